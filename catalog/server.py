"""The PostgreSQL server that holds the metadata and the catalogue mirror: embedded, or an existing one by URL.

`start` runs the embedded server of a gateway's data folder and holds it for this gateway alone; `attach` reaches the
one that a running gateway holds (for the command line); `external` stands for a server of the operator's own.
Where root's gateway keeps the files, and as whom the server runs, is told in `catalog.server_home`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import conninfo, sql

from catalog.postmaster import (
    MAINTENANCE_DATABASE,
    Postmaster,
    connection_parameters,
    find_postmaster,
    run_postmaster,
    stop_postmaster,
)
from catalog.server_home import Home, ServerError, find_home, open_home

__all__ = ["Address", "Server", "ServerError", "attach", "external", "remove", "start"]

_MIN_VERSION = 18_00_00
_DATABASE_LOCK = 0x64617461  # "data": gateways that start at once make a database one after the other


@dataclass(frozen=True, slots=True)
class Address:
    """Where a raw client reaches a database: ``host`` is a name, or a folder with a unix socket as libpq writes it."""

    host: str
    port: int
    database: str
    sslmode: str = "disable"

    @property
    def socket_path(self) -> str | None:
        """The unix socket, or None where ``host`` is on the network."""
        return f"{self.host}/.s.PGSQL.{self.port}" if self.host.startswith("/") else None


class Server:
    """A running PostgreSQL server, with the right to everything in it. Safe to use from several threads."""

    def __init__(
        self,
        parameters: Mapping[str, str | int],
        home: Home | None = None,
        postmaster: Postmaster | None = None,
        lock: int | None = None,
    ) -> None:
        self._parameters = dict(parameters)
        self._home = home
        self._postmaster = postmaster
        self._lock = lock

    @property
    def embedded(self) -> bool:
        """Whether the server is the gateway's own and stops with it."""
        return self._lock is not None

    @property
    def programs(self) -> Path | None:
        """The folder with PostgreSQL's programs (psql, pg_dump) of an embedded server."""
        return self._home.programs if self._home is not None else None

    @property
    def maintenance_database(self) -> str:
        """A database that always exists and into which no client's role may."""
        return str(self._parameters["dbname"])

    @property
    def superuser(self) -> str:
        """The role that `connection_parameters` logs in as by default."""
        return str(self._parameters["user"])

    def connection_parameters(
        self, database: str, user: str | None = None, password: str | None = None
    ) -> dict[str, Any]:
        """Return keyword arguments for ``psycopg.connect``: as the server's owner, or as another role."""
        parameters = {**self._parameters, "dbname": database}
        if user is not None:
            parameters["user"] = user
            parameters.pop("password", None)
            if password is not None:
                parameters["password"] = password
        return parameters

    def connect(self, database: str | None = None, *, autocommit: bool = False) -> psycopg.Connection:
        """Open a connection as the server's owner. Raises ServerError where the server cannot be reached."""
        parameters = self.connection_parameters(database or self.maintenance_database)
        try:
            return psycopg.connect(**parameters, autocommit=autocommit)
        except psycopg.OperationalError as error:
            raise ServerError(f"cannot reach the metadata server: {str(error).strip()}") from error

    def address(self, database: str) -> Address:
        """Return where a client that speaks the protocol itself finds a database."""
        parameters = self._parameters
        return Address(
            host=str(parameters.get("host") or "/tmp"),  # noqa: S108 (libpq's own default folder)
            port=int(parameters.get("port") or 5432),
            database=database,
            sslmode=str(parameters.get("sslmode", "disable" if self._home is not None else "prefer")),
        )

    def ensure_database(self, name: str, *, keep_privileges: bool = False) -> bool:
        """Make a database where it is absent, closed to everybody but the owner. Return whether it was made. With
        ``keep_privileges`` one that is there stays as open as it is.

        Texts compare by code point (the builtin provider's C.UTF-8), the rule of the whole gateway.
        """
        with self.connect(autocommit=True) as connection:
            connection.execute("SELECT pg_catalog.pg_advisory_lock(%s)", (_DATABASE_LOCK,))
            known = connection.execute("SELECT FROM pg_catalog.pg_database WHERE datname = %s", (name,)).fetchone()
            if known is None:
                create = sql.SQL(
                    "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin"
                    " BUILTIN_LOCALE 'C.UTF-8' LC_COLLATE 'C' LC_CTYPE 'C'"
                )
                connection.execute(create.format(sql.Identifier(name)))
            if known is None or not keep_privileges:
                connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        return known is None

    def create_database(self, name: str, owner_role: str, password: str) -> None:
        """Make a database with a login role of its own as owner; of ones that exist the password is set.

        The owner may use that database alone. Raises ServerError where the role is the server's owner.
        """
        if owner_role == self.superuser:
            raise ServerError(f"role {owner_role} owns the server: choose another owner for database {name}")
        role = sql.Identifier(owner_role)
        with self.connect() as connection:
            known = connection.execute("SELECT FROM pg_catalog.pg_roles WHERE rolname = %s", (owner_role,)).fetchone()
            verb = sql.SQL("CREATE" if known is None else "ALTER")
            statement = sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}")
            connection.execute(statement.format(verb, role, sql.Literal(password)))
        self.ensure_database(name)
        with self.connect(autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), role))

    def running(self) -> bool:
        """Say whether the server answers."""
        try:
            with self.connect(autocommit=True) as connection:
                connection.execute("SELECT 1")
        except (ServerError, psycopg.Error):
            return False
        return True

    def stop(self) -> None:
        """Stop an embedded server and let go of its folder; a server that is not this gateway's own goes on."""
        lock, self._lock = self._lock, None
        if lock is None or self._home is None:
            return
        try:
            stop_postmaster(self._home, self._postmaster.process if self._postmaster is not None else None)
            self._home.discard_socket_folder()
        finally:
            os.close(lock)


def start(data_dir: Path, port: int | None = None, *, lasting: bool = True) -> Server:
    """Run the embedded server of a gateway's data folder, made at the first start; take over one left by a killed
    gateway. It listens on a private unix socket, and on 127.0.0.1 where ``port`` is given. One that is not ``lasting``
    waits for no disk: what it holds is lost with a crash of the machine.

    Raises ServerError: another gateway holds the folder, or PostgreSQL does not start (with its last words).
    """
    home = open_home(data_dir)
    lock = _hold(home.path)
    try:
        postmaster = run_postmaster(home, port, lasting=lasting)
        server = Server(_parameters(postmaster, home), home, postmaster, lock)
        _close_to_clients(server)
    except BaseException:
        os.close(lock)
        raise
    return server


def attach(data_dir: Path) -> Server | None:
    """Return the embedded server of a data folder where it is running; its ``stop`` does nothing."""
    if find_home(data_dir) is None:
        return None
    home = open_home(data_dir)
    postmaster = find_postmaster(home)
    return None if postmaster is None else Server(_parameters(postmaster, home), home, postmaster)


def external(url: str) -> Server:
    """Return an existing server by its URL or libpq connection string; its role must be a superuser.

    The database in the URL (``postgres`` by default) only serves to make others. Raises ServerError.
    """
    try:
        parameters: dict[str, str | int] = {
            key: value for key, value in conninfo.conninfo_to_dict(url).items() if value is not None
        }
    except psycopg.ProgrammingError as error:
        raise ServerError(f"server.metadata_url is not a PostgreSQL connection string: {error}") from error
    parameters.setdefault("dbname", MAINTENANCE_DATABASE)
    parameters.setdefault("connect_timeout", 10)
    # A network that is gone without a word must not hold up for ever who waits for an answer. Seconds, milliseconds.
    parameters.setdefault("keepalives_idle", 10)
    parameters.setdefault("keepalives_interval", 5)
    parameters.setdefault("keepalives_count", 3)
    parameters.setdefault("tcp_user_timeout", 15000)
    server = Server({"user": "postgres", **parameters})
    with server.connect(autocommit=True) as connection:
        query = "SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user"
        row = connection.execute(query).fetchone()
        version = connection.info.server_version
    if version < _MIN_VERSION:
        raise ServerError(f"the metadata server must be PostgreSQL 18 or newer, it is {version // 10000}")
    if row is None or not row[0]:
        raise ServerError(f"role {server.superuser} of server.metadata_url must be a superuser")
    return server


def remove(data_dir: Path) -> None:
    """Delete the embedded server of a data folder with all it holds. Raises ServerError while a gateway uses it."""
    path = find_home(data_dir)
    if path is None:
        return
    lock = _hold(path)
    try:
        home = open_home(data_dir)
        stop_postmaster(home)
        home.discard_socket_folder()
        shutil.rmtree(path)
    finally:
        os.close(lock)


def _parameters(postmaster: Postmaster, home: Home) -> dict[str, str | int]:
    return connection_parameters(postmaster, home.password(), MAINTENANCE_DATABASE)


def _hold(home: Path) -> int:
    """Take the home for this process; the system lets go of it when the process ends, however it ends."""
    descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise ServerError(f"{home} is in use by another gateway (process {holder or 'unknown'})") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _close_to_clients(server: Server) -> None:
    """Keep the roles of clients out of the databases that every cluster has."""
    with server.connect(autocommit=True) as connection:
        for database in (MAINTENANCE_DATABASE, "template1"):
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
