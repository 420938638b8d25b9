"""Users on the command line, in a real metadata store beside a gateway that runs."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog import server
from catalog.store.rows import ALL_TABLES
from gateway.authentication.api_keys import is_key, key_id
from gateway.authentication.scram import parse_verifier, verifier
from gateway.cli.metadata import opened_store
from gateway.cli.output import CommandError
from gateway.cli.users import UserRequest, add, parse_granted
from tests.cli.command import Finished, lakegate


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[server.Server, Path]]:
    """The metadata server of a folder with a configuration, running as it does while a gateway serves."""
    folder = tmp_path_factory.mktemp("users")
    (folder / "lakegate.toml").write_text("")
    data_dir = folder / ".lakegate"
    data_dir.mkdir()
    running = server.start(data_dir)
    try:
        yield running, folder
    finally:
        running.stop()
        server.remove(data_dir)


def user(metadata: tuple[server.Server, Path], *arguments: str, given: str = "") -> Finished:
    return lakegate("user", *arguments, folder=metadata[1], given=given)


def test_a_user_comes_is_changed_and_goes(metadata: tuple[server.Server, Path]) -> None:
    added = user(metadata, "add", "Ann", "--password-stdin", "--grant", 'Sales."Order Lines"', given="first password\n")
    assert (added.code, added.output) == (0, 'added user "Ann"\n'), added.errors
    again = user(metadata, "add", "Ann", "--password-stdin", given="second password\n")
    assert again.code == 1
    assert again.errors == 'error: role "Ann" already exists\nhint: --update changes a user that exists\n'
    with opened_store(metadata[0]) as store:
        before = store.get_verifier("Ann")
    changed = user(metadata, "add", "Ann", "--update", "--password-stdin", "--grant", "crm", given="second password\n")
    assert changed.code == 0, changed.errors
    with opened_store(metadata[0]) as store:
        after = store.get_verifier("Ann")
        access = store.load_access()
    assert before is not None
    assert after is not None
    assert "first" not in before
    assert parse_verifier(before) != parse_verifier(after)
    assert {(g.schema, g.table) for g in access.grants if g.role == "Ann" and g.table} == {
        ("sales", "Order Lines"),
        ("crm", ALL_TABLES),
    }
    listed = user(metadata, "list")
    assert 'crm.*, sales."Order Lines"' in listed.output
    assert user(metadata, "remove", "Ann").code == 0
    gone = user(metadata, "remove", "Ann")
    assert (gone.code, gone.errors.splitlines()[0]) == (1, 'error: role "Ann" does not exist (SQLSTATE 42704)')


def test_a_new_password(metadata: tuple[server.Server, Path]) -> None:
    assert user(metadata, "add", "Ben", "--password-stdin", given="first password\n").code == 0
    done = user(metadata, "passwd", "Ben", "--password-stdin", given="second password\n")
    assert (done.code, done.output) == (0, 'changed the password of user "Ben"\n'), done.errors
    with opened_store(metadata[0]) as store:
        kept = parse_verifier(store.get_verifier("Ben") or "")
    assert str(kept) == verifier("second password", salt=kept.salt, iterations=kept.iterations)
    for given, reason in (
        ("short\n", "password is too short"),
        ("xxBenxxx42\n", "password must not contain user name"),
    ):
        for command in (("passwd", "Ben"), ("add", "Ben", "--update")):
            refused = user(metadata, *command, "--password-stdin", given=given)
            assert (refused.code, refused.errors.splitlines()[0]) == (1, f"error: {reason} (SQLSTATE 22023)")
    absent = user(metadata, "passwd", "nobody", "--password-stdin", given="second password\n")
    assert absent.errors == 'error: role "nobody" does not exist (SQLSTATE 42704)\n'


def test_keys_come_are_listed_and_revoked(metadata: tuple[server.Server, Path]) -> None:
    def key(*arguments: str) -> Finished:
        return lakegate("key", *arguments, folder=metadata[1])

    assert user(metadata, "add", "robot", "--password-stdin", given="first password\n").code == 0
    made = key(
        "create", "robot", "--scope", "read", "--scope", "write", "--expires", "12h", "--comment", "nightly load"
    )
    text = made.output.strip()
    identifier = key_id(text)
    assert identifier is not None, made.errors
    assert "for read, write, until" in made.errors
    assert text not in made.errors
    with opened_store(metadata[0]) as store:
        kept = store.get_api_key(identifier)
    assert kept is not None
    assert is_key(text, kept.digest)
    assert (kept.role, kept.scopes, kept.comment) == ("robot", frozenset({"read", "write"}), "nightly load")
    listed = key("list", "robot")
    assert identifier in listed.output
    assert "valid until" in listed.output
    assert text not in listed.output
    assert key("revoke", text).output == f"revoked key {identifier}\n"
    assert "revoked" in key("list").output
    refused = key("create", "robot", "--expires", "soon")
    assert (refused.code, refused.errors.splitlines()[0]) == (2, 'error: "soon" is neither an interval nor a time')
    brief = key("create", "robot", "--expires", "1s", "--comment", "brief")
    assert brief.code == 0, brief.errors
    time.sleep(1.1)
    (line,) = (line for line in key("list").output.splitlines() if str(key_id(brief.output.strip())) in line)
    assert "expired" in line
    assert "the scopes of a key are among" in key("create", "robot", "--scope", "all").errors
    assert 'role "nobody" does not exist' in key("create", "nobody").errors
    assert "does not exist" in key("revoke", "0000").errors


def test_a_superuser_reads_everything(metadata: tuple[server.Server, Path]) -> None:
    assert user(metadata, "add", "root2", "--superuser", "--password-stdin", given="correct horse\n").code == 0
    assert "everything (superuser)" in user(metadata, "list").output


@pytest.mark.parametrize(
    ("from_stdin", "given", "grants", "error"),
    [
        (False, "", (), "no terminal to ask for the password on"),
        (True, "\n", (), "the password is empty"),
        (True, "x\n", ("a.b.c",), 'cannot grant on "a.b.c"'),
    ],
)
def test_wrong_requests_are_refused_before_anything_is_started(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    from_stdin: bool,
    given: str,
    grants: tuple[str, ...],
    error: str,
) -> None:
    (tmp_path / "lakegate.toml").write_text("")
    monkeypatch.setattr("sys.stdin", io.StringIO(given))
    with pytest.raises(CommandError) as caught:
        add(tmp_path / "lakegate.toml", UserRequest("bob", grants=grants), password_stdin=from_stdin)
    assert (caught.value.message, caught.value.code) == (error, 2)
    assert not (tmp_path / ".lakegate").exists()


def test_a_name_that_is_refused(metadata: tuple[server.Server, Path]) -> None:
    done = user(metadata, "add", "pg_x", "--password-stdin", given="correct horse\n")
    assert (done.code, done.errors) == (1, 'error: role name "pg_x" is reserved (SQLSTATE 42939)\n')


@pytest.mark.parametrize(
    ("text", "granted"),
    [
        ("Sales", ("sales", ALL_TABLES)),
        ("sales.*", ("sales", ALL_TABLES)),
        ("crm.Customer", ("crm", "customer")),
        ('"A.b"."c""d"', ("A.b", 'c"d')),
    ],
)
def test_what_is_granted(text: str, granted: tuple[str, str]) -> None:
    assert parse_granted(text) == granted


@pytest.mark.parametrize("text", ["", ".", "a.", ".b", "a b", "a.b.c", '"a'])
def test_what_cannot_be_granted(text: str) -> None:
    with pytest.raises(CommandError):
        parse_granted(text)
