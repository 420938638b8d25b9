"""Verifiers are read anew for each login, and a connection that broke while it was idle is made again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from catalog.server import Server
from catalog.store.store import Store
from tests.catalog.test_store import VERIFIER

DATABASE = "store_test_verifiers"  # of the fixture


def _end_others(server: Server) -> int:
    """End all connections to the store's database; return how many there were."""
    with server.connect(autocommit=True) as connection:
        found = connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s",
            (DATABASE,),
        ).fetchone()
    assert found is not None
    return int(found[0])


def test_changes_count_at_once(store: Store) -> None:
    store.add_role("ada", VERIFIER)
    for other in (VERIFIER.replace("c2FsdA", "c2FsdB"), VERIFIER):
        store.alter_role("ada", verifier=other)
        assert store.get_verifier("ada") == other
    store.remove_role("ada")
    assert store.get_verifier("ada") is None


def test_a_connection_that_was_ended_is_made_again(store: Store, server: Server) -> None:
    store.add_role("ada", VERIFIER)
    assert store.get_verifier("ada") == VERIFIER
    assert _end_others(server) > 0
    assert store.get_verifier("ada") == VERIFIER
    store.remove_role("ada")


def test_several_threads_at_once(store: Store) -> None:
    names = [f"ann {n}" for n in range(8)]
    for name in names:
        store.add_role(name, VERIFIER)
    with ThreadPoolExecutor(8) as threads:
        assert [*threads.map(store.get_verifier, names * 20)] == [VERIFIER] * 160
    for name in names:
        store.remove_role(name)
