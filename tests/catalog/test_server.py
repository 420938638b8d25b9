"""The embedded server: started, taken over, recovered, closed to others, and harmless to what is around it."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from catalog import server as servers
from catalog.server import Server, ServerError

Start = Callable[..., Server]
ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cluster_of(server: Server) -> Path:
    with server.connect() as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    return Path(row[0])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def postmaster_pid(cluster: Path) -> int:
    return int((cluster / "postmaster.pid").read_text().splitlines()[0])


def test_a_cluster_keeps_its_rows_and_starts_again_quickly(start: Start) -> None:
    server = start()
    with server.connect() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    cluster = cluster_of(server)
    server.stop()
    assert not server.running()
    assert not (cluster / "postmaster.pid").exists()

    begin = time.perf_counter()
    server = start()
    assert time.perf_counter() - begin < 1
    with server.connect() as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    server.stop()
    server.stop()  # a second time does nothing


def test_files_are_private_and_nothing_listens_on_the_network(start: Start) -> None:
    server = start()
    cluster = cluster_of(server)
    socket_path = server.address("postgres").socket_path
    assert socket_path is not None
    assert len(socket_path) < 104
    assert mode(cluster.parent / "password") == 0o600
    assert mode(cluster) == 0o700
    assert mode(Path(socket_path).parent) == 0o700
    with server.connect() as connection:
        row = connection.execute(
            "SELECT current_setting('listen_addresses'), current_setting('fsync'), current_setting('data_checksums')"
        ).fetchone()
        assert row == ("", "on", "on")
        rules = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
        assert rules == [("scram-sha-256",)]
    server.stop()


def test_a_server_that_need_not_last_waits_for_no_disk(empty_dir: Path) -> None:
    server = servers.start(empty_dir, lasting=False)
    with server.connect() as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("off",)
    server.stop()
    server = servers.start(empty_dir)
    with server.connect() as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
    server.stop()


def test_only_who_knows_the_password_gets_in(server: Server) -> None:
    for password in ("", "wrong"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(**server.connection_parameters("postgres", server.superuser, password))


def test_it_listens_on_loopback_where_a_port_is_given_and_changes_over(start: Start) -> None:
    port = free_port()
    server = start(port)
    parameters = {**server.connection_parameters("postgres"), "host": "127.0.0.1"}
    with psycopg.connect(**parameters) as connection:
        assert connection.info.port == port
    assert server.address("x").port == port
    server.stop()

    server = start()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(**parameters)
    server.stop()


def test_a_folder_has_one_gateway(data_dir: Path, start: Start) -> None:
    server = start()
    with pytest.raises(ServerError, match=f"in use by another gateway \\(process {os.getpid()}\\)"):
        start()
    with pytest.raises(ServerError, match="in use"):
        servers.remove(data_dir)
    attached = servers.attach(data_dir)
    assert attached is not None
    attached.stop()
    assert server.running()
    server.stop()
    assert servers.attach(data_dir) is None


START_AND_WAIT = """
import sys, time
from pathlib import Path
from catalog import server
held = server.start(Path(sys.argv[1]))
print("started", flush=True)
time.sleep(60)
"""


def test_the_server_of_a_killed_gateway_is_taken_over(data_dir: Path, start: Start) -> None:
    gateway = subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, str(data_dir)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert gateway.stdout is not None
    while (line := gateway.stdout.readline()) != "started\n":
        assert line, "the gateway ended before its server was up"
    attached = servers.attach(data_dir)
    assert attached is not None
    cluster = cluster_of(attached)
    before = postmaster_pid(cluster)
    gateway.send_signal(signal.SIGKILL)
    gateway.wait()
    gateway.stdout.close()

    server = start()
    assert postmaster_pid(cluster) == before
    with server.connect() as connection:
        connection.execute("SELECT 1")
    server.stop()
    assert not (cluster / "postmaster.pid").exists()


@pytest.mark.parametrize("reused", [False, True])
def test_a_killed_server_recovers(start: Start, reused: bool) -> None:
    """Also where its number belongs to another living process by now, as after the start of a container."""
    server = start()
    with server.connect() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    cluster = cluster_of(server)
    os.kill(postmaster_pid(cluster), signal.SIGKILL)
    if reused:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        (cluster / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    server.stop()

    server = start()
    with server.connect() as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
    server.stop()


def test_a_first_start_cut_short_is_begun_anew(empty_dir: Path) -> None:
    partial = empty_dir / "postgres" / "cluster.partial"
    partial.mkdir(parents=True)
    for folder in (empty_dir, empty_dir / "postgres"):
        folder.chmod(0o711)
    (partial / "PG_VERSION").write_text("18\n")
    server = servers.start(empty_dir)
    assert server.running()
    server.stop()


def test_what_postgresql_says_is_told(start: Start) -> None:
    server = start()
    cluster = cluster_of(server)
    server.stop()
    (cluster / "custom.conf").write_text("shared_buffers = 'many'\n")
    with pytest.raises(ServerError, match="shared_buffers"):
        start()
    (cluster / "custom.conf").write_text("work_mem = '5MB'\n")
    (cluster / "PG_VERSION").write_text("17\n")
    with pytest.raises(ServerError, match="made by PostgreSQL 17"):
        start()
    (cluster / "PG_VERSION").write_text("18\n")
    server = start()
    with server.connect() as connection:
        assert connection.execute("SHOW work_mem").fetchone() == ("5MB",)
    server.stop()


def test_folders_above_keep_their_permissions(session_folder: Path) -> None:
    above = Path(tempfile.mkdtemp(dir=session_folder))  # 0700
    server = servers.start(above / "data")
    try:
        assert mode(above) == 0o700
        place = cluster_of(server)
        assert place.is_relative_to(above) == (os.geteuid() != 0)
    finally:
        server.stop()
        servers.remove(above / "data")
    assert not place.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a gateway as another account")
def test_a_gateway_that_is_not_root_keeps_everything_to_itself(session_folder: Path) -> None:
    account = pwd.getpwnam("nobody")
    above = Path(tempfile.mkdtemp(dir=session_folder))
    os.chown(above, account.pw_uid, account.pw_gid)
    code = (
        "import sys; from pathlib import Path; from catalog import server; data = Path(sys.argv[1]);"
        "held = server.start(data); row = held.connect().execute('SHOW data_directory').fetchone(); held.stop();"
        "print(row[0]); server.remove(data)"
    )
    try:
        result = subprocess.run(
            [sys.executable, "-c", code, str(above / "data")],
            cwd=ROOT,
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )
    except PermissionError:
        pytest.skip("this environment's Python is out of the account's reach")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == str(above / "data" / "postgres" / "cluster")


def test_a_database_of_its_own_for_a_source(server: Server) -> None:
    for password in ("first", "it's \\ the second"):  # again: the password changes
        server.create_database("shop", "shop_owner", password)
    parameters = server.connection_parameters("shop", "shop_owner", "it's \\ the second")
    with psycopg.connect(**parameters) as connection:
        connection.execute("CREATE SCHEMA s CREATE TABLE t (a text)")
        row = connection.execute("SELECT 'a' < 'B', lower('Ä'), 'é' > 'z'").fetchone()
        assert row == (False, "ä", True)  # by code point
        rights = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles"
            " WHERE rolname = current_user"
        ).fetchone()
        assert rights == (False,) * 5
    for database in ("postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(**{**parameters, "dbname": database})
    with pytest.raises(ServerError, match="owns the server"):
        server.create_database("shop", server.superuser, "x")


def test_an_existing_server_by_url(server: Server) -> None:
    address = server.address("postgres")
    password = server.connection_parameters("postgres")["password"]
    url = f"postgresql://{server.superuser}:{password}@/postgres?host={address.host}&port={address.port}"
    other = servers.external(url)
    assert not other.embedded
    assert other.address("lake").socket_path == address.socket_path
    other.stop()
    assert server.running()

    server.create_database("shop", "shop_owner", "secret")
    with pytest.raises(ServerError, match="must be a superuser"):
        servers.external(f"host={address.host} dbname=shop user=shop_owner password=secret")
    with pytest.raises(ServerError, match="cannot reach"):
        servers.external(f"host={address.host} port=1 dbname=shop")
    with pytest.raises(ServerError, match="not a PostgreSQL connection string"):
        servers.external("postgresql://[")
