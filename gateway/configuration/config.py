"""The configuration file ``lakegate.toml``: its form, its defaults, and how it is read.

Every error names the file, the line and the key; all errors of a file are found in one reading. Secrets are
`pydantic.SecretStr`, which prints as stars. ``docs/configuration.md`` describes every key.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from gateway.configuration.auth import Auth, AuthMapping, AuthRule, contradictions
from gateway.configuration.error import ConfigError, Problem, problem_at
from gateway.configuration.toml_lines import KeyPath, key_lines
from gateway.configuration.values import (
    Address,
    Bytes,
    CatalogProperty,
    Days,
    Listen,
    LocalPath,
    Location,
    OptionalListen,
    Seconds,
    SecretOption,
    expand_environment,
)
from optimizer import cost

__all__ = [
    "Address",
    "Audit",
    "Auth",
    "AuthMapping",
    "AuthRule",
    "Config",
    "ConfigError",
    "DeltaSource",
    "Engine",
    "FilesSource",
    "IcebergSource",
    "PostgresSource",
    "Server",
    "SourceConfig",
    "load",
]

_SOURCE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z")
_RESERVED_NAMES = frozenset({"public", "information_schema", "lakegate"})
_AT_LINE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _connection_string(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        try:
            conninfo_to_dict(value.get_secret_value())
        except ProgrammingError:  # its text may hold the password
            raise ValueError("not a PostgreSQL connection string such as postgresql://user@host/database") from None
    return value


DEFAULT_GRACE = 60.0
_MEMORY_OF_STATEMENT = 32 << 20  # bytes that the engine should have for each statement
_FEWEST_AT_ONCE = 8
_MEMORY_OF_PROCESS = 256 << 20  # bytes of a worker before it has done anything, and some room


class Server(_Section):
    """``[server]``: where to listen and where to keep state. Durations are seconds, sizes bytes."""

    listen: Listen = Address("127.0.0.1", 5433)
    http_listen: OptionalListen = Address("127.0.0.1", 8433)  # health and metrics; "" turns it off
    metrics: bool | None = None  # None: where http_listen is of loopback
    database: Annotated[str, Field(min_length=1, max_length=63)] = "lake"
    data_dir: LocalPath = Path(".lakegate")
    metadata_url: SecretStr | None = None
    tls_certificate: LocalPath | None = None
    tls_key: LocalPath | None = None
    tls_min_version: Literal["1.2", "1.3"] = "1.3"
    client_ca: LocalPath | None = None
    client_crl: LocalPath | None = None
    shutdown_grace: Seconds = 30.0
    refresh_interval: Seconds = 30.0  # 0: only when asked
    metadata_grace: Annotated[Seconds, Field(ge=2)] = DEFAULT_GRACE  # a look at the server's metadata is one a second
    max_connections: Annotated[int, Field(ge=1)] = 1000
    superuser_reserved_connections: Annotated[int, Field(ge=0)] = 3  # or all but one, if those are fewer
    idle_process_timeout: Seconds = 60.0  # until a session gives up its process in the mirror; 0: never
    max_message_size: Annotated[Bytes, Field(ge=8192, le=(1 << 30) - 1)] = 64 << 20
    authentication_timeout: Annotated[Seconds, Field(ge=1, le=600)] = 60.0

    @property
    def tells_metrics(self) -> bool:
        """Whether ``http_listen`` has metrics: unless it is said, where nobody from elsewhere can ask for them."""
        if self.http_listen is None or self.metrics is not None:
            return self.http_listen is not None and bool(self.metrics)
        return self.http_listen.is_loopback

    @property
    def reserved_connections(self) -> int:
        """How many of ``max_connections`` are for superusers."""
        return min(self.superuser_reserved_connections, self.max_connections - 1)

    check_metadata_url = field_validator("metadata_url")(_connection_string)

    @field_validator("tls_certificate", "tls_key", "client_ca", "client_crl")
    @classmethod
    def _must_exist(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"there is no file {value}")
        return value


class Audit(_Section):
    """``[audit]``: what is written of each statement and login, and for how long it is kept (days; 0: for ever)."""

    mode: Literal["journal", "synchronous", "off"] = "journal"
    fsync: Literal["os", "group"] = "os"
    directory: LocalPath | None = None  # default: "audit" in data_dir
    journal_limit: Annotated[Bytes, Field(ge=1 << 20)] = 1 << 30
    retention: Days = 400
    retention_login: Days | None = None
    retention_statement: Days | None = None
    retention_denied: Days | None = None
    retention_access: Days | None = None
    alert_denied: Annotated[int, Field(ge=0)] = (
        20  # denied statements of a user, or failed logins, in a window; 0: none
    )
    alert_window: Annotated[Seconds, Field(gt=0)] = 60.0

    def kept_days(self, kind: str) -> int:
        """Return how long entries of a class are kept: login, statement, denied or access."""
        given: int | None = getattr(self, f"retention_{kind}")
        return self.retention if given is None else given


class Engine(_Section):
    """``[engine]``: limits of statements. A timeout of 0 is none."""

    memory_limit: Annotated[Bytes, Field(ge=64 << 20)] = 2 << 30
    temporary_limit: Annotated[Bytes, Field(ge=1 << 20)] = 1 << 30  # of one session's temporary tables
    statement_timeout: Seconds = 0.0
    idle_session_timeout: Seconds = 0.0
    spill_directory: LocalPath | None = None  # default: "spill" in data_dir
    target_partitions: Annotated[int, Field(ge=1, le=1024)] = Field(default_factory=lambda: 2 * (os.cpu_count() or 1))
    small_tables_memory: Bytes = 64 << 20  # in each process; 0: rows of small tables are not kept
    hot_columns_memory: Bytes = 512 << 20  # of all processes; 0: columns of files are not kept
    result_cache_memory: Bytes = 32 << 20  # in the gateway's process; 0: results are not kept
    concurrent_statements: Annotated[int, Field(ge=0)] = 0  # 0: as many as the memory is for
    workers: Annotated[int, Field(ge=0, le=64)] = 0  # processes; 0: statements run in the gateway's own
    worker_memory_limit: Bytes = 0  # 0: what the engine needs for its share of memory_limit

    @property
    def statements_at_once(self) -> int:
        """How many statements run at one time, brief ones apart."""
        return self.concurrent_statements or max(_FEWEST_AT_ONCE, self.memory_limit // _MEMORY_OF_STATEMENT)

    @property
    def worker_ceiling(self) -> int:
        """How many bytes a worker process may use: twice what the engine counts, for not all is counted."""
        return self.worker_memory_limit or 2 * self.memory_limit // max(1, self.workers) + _MEMORY_OF_PROCESS

    @field_validator("workers")
    @classmethod
    def _has_system(cls, value: int) -> int:
        if value and not sys.platform.startswith("linux"):
            raise ValueError("worker processes need Linux; 0 runs statements in the gateway's own process")
        return value

    @field_validator("worker_memory_limit")
    @classmethod
    def _has_room(cls, value: int) -> int:
        if value and value < _MEMORY_OF_PROCESS:
            raise ValueError('must be at least "256MB", or "0" for twice the share of memory_limit')
        return value


_USUAL = cost.Costs()
Nanoseconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Costs(_Section):
    """``[costs]``: what plans are chosen by, in nanoseconds of one core (`optimizer.cost.Costs`)."""

    hash_build_row: Nanoseconds = _USUAL.hash_build_row
    hash_build_byte: Nanoseconds = _USUAL.hash_build_byte
    hash_probe_row: Nanoseconds = _USUAL.hash_probe_row
    output_row: Nanoseconds = _USUAL.output_row
    output_byte: Nanoseconds = _USUAL.output_byte
    compared_pair: Nanoseconds = _USUAL.compared_pair
    file_row: Nanoseconds = _USUAL.file_row
    remote_row: Nanoseconds = _USUAL.remote_row
    remote_row_computed: Nanoseconds = _USUAL.remote_row_computed
    remote_row_left_out: Nanoseconds = _USUAL.remote_row_left_out
    remote_key: Nanoseconds = _USUAL.remote_key
    remote_key_in_index: Nanoseconds = _USUAL.remote_key_in_index
    asked_first: Nanoseconds = _USUAL.asked_first

    @property
    def known(self) -> cost.Costs:
        """They as plans are chosen by them."""
        return cost.Costs(**self.model_dump())


class _Source(_Section):
    """What the kinds of source share."""

    def plain_settings(self) -> dict[str, object]:
        """Return the settings with their secrets in plain text, for `connectors.registry.open_source` alone."""
        return {name: _plain(value) for name, value in self}


class DeltaSource(_Source):
    """A folder (or object store prefix) below which every folder with a ``_delta_log`` is a table."""

    kind: Literal["delta"] = "delta"
    location: Location
    storage_options: dict[str, SecretOption] = Field(default_factory=dict)

    def storage(self) -> dict[str, str]:
        """Return the object store's options in plain text, for the connector alone."""
        return {key: value.get_secret_value() for key, value in self.storage_options.items()}


class IcebergSource(_Source):
    """Any catalogue pyiceberg knows, by its properties."""

    kind: Literal["iceberg"] = "iceberg"
    catalog: dict[str, CatalogProperty]

    def properties(self) -> dict[str, str]:
        """Return the catalogue's properties in plain text, for the connector alone."""
        return {key: value.get_secret_value() for key, value in self.catalog.items()}


class PostgresSource(_Source):
    """A PostgreSQL database."""

    kind: Literal["postgres"] = "postgres"
    dsn: SecretStr
    parallel_scan_bytes: Annotated[Bytes, Field(ge=1)] = 1 << 30
    parallel_scans: Annotated[int, Field(ge=1, le=64)] = 4
    numeric_scale: Annotated[int, Field(ge=0, le=38)] = 18
    idle_connections: Annotated[int, Field(ge=1, le=1000)] = 8
    result_lifetime: Seconds = 0.0  # that results over it may be old; 0: they are not kept

    check_dsn = field_validator("dsn")(_connection_string)

    def plain_settings(self) -> dict[str, object]:
        """Return those that are the connector's."""
        return {name: value for name, value in super().plain_settings().items() if name != "result_lifetime"}


class FilesSource(_Source):
    """A folder (or object store prefix) in which a file, or a folder of files, is a table. The last two are of CSV."""

    kind: Literal["files"] = "files"
    location: Location
    storage_options: dict[str, SecretOption] = Field(default_factory=dict)
    header: bool = True
    delimiter: Annotated[str, Field(pattern=r"^[^\n\r\"]$")] = ","

    def storage(self) -> dict[str, str]:
        """Return the object store's options in plain text, for the connector alone."""
        return {key: value.get_secret_value() for key, value in self.storage_options.items()}


SourceConfig = Annotated[DeltaSource | IcebergSource | PostgresSource | FilesSource, Field(discriminator="kind")]
_SOURCE_KINDS: dict[str, type[_Source]] = {
    "delta": DeltaSource,
    "iceberg": IcebergSource,
    "postgres": PostgresSource,
    "files": FilesSource,
}
_KINDS = ", ".join(f'"{name}"' for name in _SOURCE_KINDS)


class Config(_Section):
    """A whole configuration, valid in itself; whether sources answer is another question (``lakegate check``)."""

    sections: ClassVar[tuple[str, ...]] = ("server", "auth", "audit", "engine", "costs", "sources")

    server: Server = Field(default_factory=Server)
    auth: Auth = Field(default_factory=Auth)
    audit: Audit = Field(default_factory=Audit)
    engine: Engine = Field(default_factory=Engine)
    costs: Costs = Field(default_factory=Costs)
    sources: dict[str, SourceConfig] = Field(default_factory=dict)

    @property
    def audit_directory(self) -> Path:
        """Where the audit's journal is."""
        return self.audit.directory or self.server.data_dir / "audit"

    @property
    def spill_directory(self) -> Path:
        """Where sorts and joins that exceed the memory limit put their rows."""
        return self.engine.spill_directory or self.server.data_dir / "spill"


def load(path: Path | str) -> Config:
    """Read a configuration file. Raises `ConfigError` with every problem in it."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ConfigError(path, [Problem(line, "", "not UTF-8 text")]) from None
    except OSError as error:
        raise ConfigError(path, [Problem(0, "", (error.strerror or str(error)).lower())]) from None
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path, [_syntax_problem(text, str(error))]) from None
    return _validate(path, raw, key_lines(text))


def _validate(path: Path, raw: dict[str, Any], lines: dict[KeyPath, int]) -> Config:
    problems: list[Problem] = []
    expanded = expand_environment(raw, (), lines, problems)
    if problems:
        raise ConfigError(path, problems)
    try:
        # The defaults are validated in the file's context too, so that data_dir counts from its folder.
        config = Config.model_validate(
            {"server": {}, "audit": {}, "engine": {}, **expanded} if isinstance(expanded, dict) else expanded,
            context={"folder": path.absolute().parent},
        )
    except ValidationError as error:
        found = [_problem(dict(details), lines) for details in error.errors(include_url=False, include_context=True)]
        raise ConfigError(path, found) from None
    problems = [problem_at(lines, key, message) for key, message in _contradictions(config)]
    if problems:
        raise ConfigError(path, problems)
    return config


def _contradictions(config: Config) -> Iterator[tuple[KeyPath, str]]:
    """Yield what is wrong between keys that are each right."""
    server = config.server
    if not config.auth.rules and config.auth.method == "trust" and not server.listen.is_loopback:
        yield (
            ("auth", "method"),
            f'"trust" lets anyone in and is for loopback addresses only, not {server.listen}; use "scram-sha-256"',
        )
    has_tls = server.tls_certificate is not None and server.tls_key is not None
    yield from contradictions(config.auth, has_tls=has_tls, has_client_ca=server.client_ca is not None)
    if server.client_ca is not None and server.tls_certificate is None and server.tls_key is None:
        yield ("server", "client_ca"), "needs TLS: set tls_certificate and tls_key"
    if server.client_crl is not None and server.client_ca is None:
        yield ("server", "client_crl"), "needs client_ca"
    if (server.tls_certificate is None) != (server.tls_key is None):
        missing = "tls_key" if server.tls_key is None else "tls_certificate"
        yield ("server", missing), "field required: tls_certificate and tls_key go together"
    if server.http_listen is not None and server.http_listen == server.listen and server.listen.port != 0:
        yield ("server", "http_listen"), f"the same address as server.listen, {server.listen}"
    for name, source in config.sources.items():
        if not _SOURCE_NAME.match(name) or name in _RESERVED_NAMES or name.startswith("pg_"):
            yield (
                ("sources", name),
                "not a name for a source: it becomes a schema, so use lower case letters, digits and underscores, "
                "not pg_…, public, lakegate or information_schema",
            )
        if isinstance(source, IcebergSource) and "type" not in source.catalog:
            yield ("sources", name, "catalog", "type"), 'field required: such as "sql", "rest" or "glue"'


def _syntax_problem(text: str, message: str) -> Problem:
    match = _AT_LINE.search(message)
    line = int(match[1]) if match and match[1] else text.rstrip("\n").count("\n") + 1
    return Problem(line, "", "not TOML: " + _lower_first(_AT_LINE.sub("", message)))


def _problem(details: dict[str, Any], lines: dict[KeyPath, int]) -> Problem:
    """Turn one of pydantic's errors into ours."""
    path: KeyPath = details["loc"]
    kind = details["type"]
    if len(path) > 2 and path[0] == "sources" and path[2] in _SOURCE_KINDS:
        section: type[BaseModel] | None = _SOURCE_KINDS[str(path[2])]
        path = (*path[:2], *path[3:])
    else:
        section = _section(path)
    match kind:
        case "missing":
            message = "field required"
        case "extra_forbidden":
            message = "unknown key" + _did_you_mean(str(path[-1]), section.model_fields if section else {})
        case "union_tag_not_found":
            path, message = (*path, "kind"), f"field required: one of {_KINDS}"
        case "union_tag_invalid":
            tag = details["ctx"]["tag"]
            path, message = (*path, "kind"), f"must be one of {_KINDS}" + _did_you_mean(tag, _SOURCE_KINDS)
        case "literal_error":
            message = f"must be one of {details['ctx']['expected']}".replace("'", '"').replace('" or "', '", "')
        case "tuple_type" | "list_type":
            message = "must be a list"
        case "model_type" | "model_attributes_type" | "dict_type":
            message = "must be a table of keys"
        case "int_type" | "int_parsing" | "int_from_float":
            message = "must be a whole number"
        case "string_type" | "secret_type":
            message = "must be a string"
        case "bool_type" | "bool_parsing":
            message = "must be true or false"
        case "string_pattern_mismatch":
            message = "must be one character"
        case _:
            message = _lower_first(details["msg"].removeprefix("Value error, "))
    return problem_at(lines, path, message)


def _section(path: KeyPath) -> type[BaseModel] | None:
    if len(path) <= 1:
        return Config
    if path[:2] == ("auth", "rules"):
        return AuthRule
    if path[:2] == ("auth", "maps"):
        return AuthMapping
    sections: dict[str, type[BaseModel]] = {"server": Server, "auth": Auth, "audit": Audit, "engine": Engine}
    return sections.get(str(path[0]))


def _did_you_mean(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f', did you mean "{close[0]}"?' if close else f"; known are {', '.join(known)}" if known else ""


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
