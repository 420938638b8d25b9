"""The configuration file: what it means, and what is said when it is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connectors.registry import open_source
from gateway.configuration.config import (
    Address,
    Config,
    ConfigError,
    DeltaSource,
    FilesSource,
    IcebergSource,
    PostgresSource,
    Server,
    load,
)

FULL = """
[server]
listen = "[::1]:5433"
http_listen = ""
database = "warehouse"
data_dir = "state"
metadata_url = "postgresql://u:${LAKEGATE_TEST_SECRET}@db/meta"
shutdown_grace = "1min"
refresh_interval = "500ms"
max_connections = 7
max_message_size = "1MB"
authentication_timeout = "10s"

[auth]
method = "trust"

[engine]
memory_limit = "1.5GB"
statement_timeout = "5min"
idle_session_timeout = "1h"
spill_directory = "../spill"
target_partitions = 3

[sources]
crm.kind = "postgres"
crm.dsn = "host=db password=${LAKEGATE_TEST_SECRET}"
files = { kind = "files", location = "s3://bucket/files" }

[sources.sales]
kind = "delta"
location = "data/sales"
storage_options = { AWS_REGION = "eu-west-1", AWS_ALLOW_HTTP = true, port = 9000, key = "${LAKEGATE_TEST_SECRET}" }

[sources.supply]
kind = "iceberg"
catalog = { type = "sql", uri = "sqlite:///data/iceberg.db", warehouse = "file://data/warehouse", token = "$${x}" }
"""
SECRET = "s3cret-word"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lakegate.toml"


def load_text(path: Path, text: str) -> Config:
    path.write_text(text, encoding="utf-8")
    return load(path)


def errors_of(path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_text(path, text)
    return str(caught.value).replace(f"{path}:", "").splitlines()


@pytest.fixture
def full(path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("LAKEGATE_TEST_SECRET", SECRET)
    return load_text(path, FULL)


def test_every_key_of_the_file_is_taken(full: Config, tmp_path: Path) -> None:
    server, engine = full.server, full.engine
    assert server.listen == Address("::1", 5433)
    assert server.listen.is_loopback
    assert str(server.listen) == "[::1]:5433"
    assert server.http_listen is None
    assert (server.database, server.max_connections, server.max_message_size) == ("warehouse", 7, 1 << 20)
    assert (server.shutdown_grace, server.refresh_interval, server.authentication_timeout) == (60.0, 0.5, 10.0)
    assert server.data_dir == tmp_path / "state"
    assert full.auth.method == "trust"
    assert (engine.memory_limit, engine.statement_timeout, engine.idle_session_timeout) == (3 << 29, 300.0, 3600.0)
    assert engine.target_partitions == 3
    assert full.spill_directory == tmp_path.parent / "spill"


def test_sources_have_absolute_places_and_plain_options(full: Config, tmp_path: Path) -> None:
    assert list(full.sources) == ["crm", "files", "sales", "supply"]
    sales, supply, crm, files = (full.sources[name] for name in ("sales", "supply", "crm", "files"))
    assert isinstance(sales, DeltaSource)
    assert isinstance(supply, IcebergSource)
    assert isinstance(crm, PostgresSource)
    assert isinstance(files, FilesSource)
    assert sales.location == str(tmp_path / "data/sales")
    assert sales.storage() == {"AWS_REGION": "eu-west-1", "AWS_ALLOW_HTTP": "true", "port": "9000", "key": SECRET}
    assert supply.properties() == {
        "type": "sql",
        "uri": f"sqlite:///{tmp_path}/data/iceberg.db",
        "warehouse": f"file://{tmp_path}/data/warehouse",
        "token": "${x}",
    }
    assert crm.dsn.get_secret_value() == f"host=db password={SECRET}"
    assert files.location == "s3://bucket/files"


def test_connectors_get_every_setting_in_plain_text(full: Config) -> None:
    for name, source in full.sources.items():
        assert open_source(name, source.plain_settings()).name == name
    assert full.sources["crm"].plain_settings() == {
        "kind": "postgres",
        "dsn": f"host=db password={SECRET}",
        "parallel_scan_bytes": 1 << 30,
        "parallel_scans": 4,
        "numeric_scale": 18,
        "idle_connections": 8,
    }


def test_secrets_are_never_printed(full: Config) -> None:
    assert SECRET not in repr(full)
    assert SECRET not in str(full)
    assert SECRET not in full.model_dump_json()


def test_an_empty_file_is_a_gateway_without_sources(path: Path, tmp_path: Path) -> None:
    config = load_text(path, "")
    assert config.server.listen == Address("127.0.0.1", 5433)
    assert config.auth.method == "scram-sha-256"
    assert config.server.data_dir == tmp_path / ".lakegate"
    assert config.spill_directory == tmp_path / ".lakegate" / "spill"
    assert config.engine.target_partitions == 2 * (os.cpu_count() or 1)
    assert config.sources == {}


def test_a_config_made_in_code_counts_paths_from_the_current_folder() -> None:
    config = Config(server=Server(listen=Address("127.0.0.1", 0)), sources={"a": DeltaSource(location="x")})
    assert config.server.data_dir == Path.cwd() / ".lakegate"
    source = config.sources["a"]
    assert isinstance(source, DeltaSource)
    assert source.location == str(Path.cwd() / "x")


WRONG = {
    "unknown key": ('[server]\n\nlisen = "x"', '3: server.lisen: unknown key, did you mean "listen"?'),
    "unknown key, nothing like it": (
        '[engine]\nzzz = "x"',
        "2: engine.zzz: unknown key; known are memory_limit, temporary_limit, statement_timeout, idle_session_timeout, "
        "spill_directory, target_partitions, small_tables_memory, hot_columns_memory, result_cache_memory, "
        "concurrent_statements, workers, worker_memory_limit",
    ),
    "a worker without room": (
        '[engine]\nworkers = 1\nworker_memory_limit = "100MB"',
        '3: engine.worker_memory_limit: must be at least "256MB", or "0" for twice the share of memory_limit',
    ),
    "unknown table": ("[servers]", '1: servers: unknown key, did you mean "server"?'),
    "unknown key of a source": (
        '[sources.a]\nkind = "delta"\nlocation = "x"\npath = "y"\n',
        "4: sources.a.path: unknown key; known are kind, location, storage_options",
    ),
    "missing key is placed at its table": (
        '# first\n\n[sources.crm]\nkind = "postgres"\n',
        "3: sources.crm.dsn: field required",
    ),
    "missing kind": (
        '[sources.crm]\ndsn = "x"',
        '1: sources.crm.kind: field required: one of "delta", "iceberg", "postgres", "files"',
    ),
    "wrong kind": (
        '[sources.crm]\nkind = "postgre"',
        '2: sources.crm.kind: must be one of "delta", "iceberg", "postgres", "files", did you mean "postgres"?',
    ),
    "dotted keys": ('sources.crm.kind = "postgres"', "1: sources.crm.dsn: field required"),
    "inline table": (
        '[sources]\nsales = { kind = "delta", location = "x",  locatoin = "y" }',
        '2: sources.sales.locatoin: unknown key, did you mean "location"?',
    ),
    "after strings of several lines": (
        '[server]\ndatabase = """\na = [ # "\nb"""\nlisen = 1',
        '5: server.lisen: unknown key, did you mean "listen"?',
    ),
    "an address": ('[server]\nlisten = "5433"', '2: server.listen: "5433" is not an address such as "127.0.0.1:5433"'),
    "a port": (
        '[server]\nlisten = "localhost:70000"',
        '2: server.listen: "localhost:70000" is not an address such as "127.0.0.1:5433"',
    ),
    "a duration without a unit": (
        "[server]\nshutdown_grace = 30",
        '2: server.shutdown_grace: "30" needs a unit: us, ms, s, min, h, d',
    ),
    "a duration that is none": (
        '[engine]\nstatement_timeout = "soon"',
        '2: engine.statement_timeout: "soon" is not a duration such as "30s" or "5min"',
    ),
    "a negative duration": (
        '[engine]\nstatement_timeout = "-1s"',
        '2: engine.statement_timeout: "-1s" is not a duration such as "30s" or "5min"',
    ),
    "a size's unit": (
        '[engine]\nmemory_limit = "2gb"',
        '2: engine.memory_limit: "2gb" has no unit PostgreSQL knows: B, kB, MB, GB, TB (upper and lower case matter)',
    ),
    "a size too small": (
        '[engine]\nmemory_limit = "1MB"',
        "2: engine.memory_limit: input should be greater than or equal to 67108864",
    ),
    "not a number": (
        '[server]\nmax_connections = "many"',
        "2: server.max_connections: must be a whole number",
    ),
    "not a table": ("server = 5", "1: server: must be a table of keys"),
    "not a string": ('[sources.a]\nkind = "postgres"\ndsn = 5', "3: sources.a.dsn: must be a string"),
    "a method of login": (
        '[auth]\nmethod = "md5"',
        '2: auth.method: must be one of "scram-sha-256", "trust"',
    ),
    "trust for everybody": (
        '[server]\nlisten = "0.0.0.0:5433"\n[auth]\nmethod = "trust"',
        '4: auth.method: "trust" lets anyone in and is for loopback addresses only, not 0.0.0.0:5433; '
        'use "scram-sha-256"',
    ),
    "a method of a rule": (
        '[[auth.rules]]\nmethod = "scram-sha-256"\n[[auth.rules]]\nuser = "a"\nmethod = "md5"',
        '5: auth.rules[1].method: must be one of "scram-sha-256", "scram-sha-256-plus", "cert", "oauth", "jwt", '
        '"api-key", "trust", "reject"',
    ),
    "a rule without a method": ('[[auth.rules]]\nuser = "a"', "1: auth.rules[0].method: field required"),
    "a key of a rule": (
        '[[auth.rules]]\nmethod = "reject"\nadress = "all"',
        '3: auth.rules[0].adress: unknown key, did you mean "address"?',
    ),
    "a rule's address": (
        '[[auth.rules]]\nmethod = "reject"\naddress = ["loopback", "10.1.0.1/16"]',
        '3: auth.rules[0].address: "10.1.0.1/16" is no address: write "all", "loopback" or one such as "10.1.0.0/16"',
    ),
    "a rule that trusts everybody": (
        '[[auth.rules]]\nmethod = "trust"',
        '2: auth.rules[0].method: "trust" lets anyone in and is for loopback addresses only; add address = "loopback"',
    ),
    "a rule that trusts a network": (
        '[[auth.rules]]\nmethod = "trust"\naddress = ["::1", "127.0.0.0/7"]',
        '3: auth.rules[0].address: "127.0.0.0/7" is no address: write "all", "loopback" or one such as "10.1.0.0/16"',
    ),
    "certificates without TLS": (
        '[[auth.rules]]\nmethod = "cert"',
        "2: auth.rules[0].method: needs TLS: set server.tls_certificate and server.tls_key",
    ),
    "tokens without TLS": (
        '[[auth.rules]]\nmethod = "jwt"\ntls = false\nissuer = "https://x"\naudience = "y"',
        '3: auth.rules[0].tls: "jwt" needs TLS',
    ),
    "an option of another method": (
        '[[auth.rules]]\nmethod = "scram-sha-256"\naudience = "x"',
        '3: auth.rules[0].audience: not for the method "scram-sha-256", only for jwt, oauth',
    ),
    "tokens for anybody": (
        '[[auth.rules]]\nmethod = "oauth"\nissuer = "https://id.example"',
        '1: auth.rules[0].audience: field required by the method "oauth": a token for somebody else is none for us',
    ),
    "an issuer that is not safe": (
        '[[auth.rules]]\nmethod = "oauth"\naudience = "x"\nissuer = "http://id.example"',
        '4: auth.rules[0].issuer: "http://id.example" is not an https:// URL (http:// is for loopback alone)',
    ),
    "an algorithm of shared secrets": (
        '[[auth.rules]]\nmethod = "oauth"\naudience = "x"\nissuer = "https://x"\nalgorithms = ["RS256", "HS256"]',
        '5: auth.rules[0].algorithms: "HS256" is not among RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, '
        "ES512, EdDSA, Ed25519",
    ),
    "a map that is not there": (
        '[[auth.rules]]\nmethod = "oauth"\naudience = "x"\nissuer = "https://x"\nmap = "m"',
        '5: auth.rules[0].map: there is no map "m" in [auth.maps]',
    ),
    "a map's expression": (
        '[auth.maps]\nm = [{ system = "/(", role = "a" }]',
        "2: auth.maps.m[0].system: not a regular expression: missing ), unterminated subpattern at position 0",
    ),
    "a group that an expression has not": (
        '[auth.maps]\nm = [{ system = "/x", role = "\\\\1" }]',
        "2: auth.maps.m[0].role: refers to a group that the regular expression has not",
    ),
    "rules and their short form": (
        '[auth]\nmethod = "trust"\n[[auth.rules]]\nmethod = "reject"',
        "2: auth.method: the short form of one rule; there are [[auth.rules]], so leave it out",
    ),
    "an authority without a certificate": (
        '[server]\nclient_ca = "lakegate.toml"',
        "2: server.client_ca: needs TLS: set tls_certificate and tls_key",
    ),
    "a certificate without its key": (
        '[server]\ntls_certificate = "lakegate.toml"',
        "1: server.tls_key: field required: tls_certificate and tls_key go together",
    ),
    "two servers on one port": (
        '[server]\nlisten = "127.0.0.1:8433"',
        "1: server.http_listen: the same address as server.listen, 127.0.0.1:8433",
    ),
    "a name that is no schema": (
        '[sources.Sales]\nkind = "delta"\nlocation = "x"',
        "1: sources.Sales: not a name for a source: it becomes a schema, so use lower case letters, digits and "
        "underscores, not pg_…, public, lakegate or information_schema",
    ),
    "an Iceberg catalogue without a type": (
        '[sources.a]\nkind = "iceberg"\ncatalog = { uri = "x" }',
        '3: sources.a.catalog.type: field required: such as "sql", "rest" or "glue"',
    ),
    "a place of unknown kind": (
        '[sources.a]\nkind = "delta"\nlocation = "ftp://x"',
        '3: sources.a.location: "ftp://" is not a place known here: a path, '
        "s3, s3a, az, azure, abfs, abfss, adl, gs, http, https",
    ),
    "a delimiter": (
        '[sources.a]\nkind = "files"\nlocation = "x"\ndelimiter = ";;"',
        "4: sources.a.delimiter: must be one character",
    ),
    "not true or false": (
        '[sources.a]\nkind = "files"\nlocation = "x"\nheader = "perhaps"',
        "4: sources.a.header: must be true or false",
    ),
    "a variable that is not set": (
        '[sources.a]\nkind = "postgres"\ndsn = "${LAKEGATE_NO_SUCH}"',
        "3: sources.a.dsn: environment variable LAKEGATE_NO_SUCH is not set",
    ),
    "not TOML": ("[server]\nlisten =\n", "2: not TOML: invalid value"),
    "not TOML at the end": ('[server]\n\nlisten = "x', "3: not TOML: illegal character '\\n'"),
    "a key twice": ('[server]\ndatabase = "a"\ndatabase = "b"', "3: not TOML: cannot overwrite a value"),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_errors_name_line_and_key(path: Path, text: str, message: str) -> None:
    assert errors_of(path, text + "\n") == [message]


def test_all_errors_are_found_at_once_in_the_order_of_lines(path: Path) -> None:
    text = '[auth]\nmethod = "x"\n[server]\nlisten = "y"\n[sources.b]\nkind = "postgres"\n'
    assert [line.split(":")[0] for line in errors_of(path, text)] == ["2", "4", "5"]


def test_a_wrong_connection_string_is_not_repeated(path: Path) -> None:
    lines = errors_of(path, f'[sources.a]\nkind = "postgres"\ndsn = "{SECRET} = = x"\n')
    assert lines == ["3: sources.a.dsn: not a PostgreSQL connection string such as postgresql://user@host/database"]


def test_a_missing_certificate_is_named(path: Path, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("")
    lines = errors_of(path, '[server]\ntls_certificate = "no.pem"\ntls_key = "key.pem"\n')
    assert lines == [f"2: server.tls_certificate: there is no file {tmp_path}/no.pem"]


def test_files_that_cannot_be_read(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"lakegate\.toml: no such file or directory$"):
        load(path)
    with pytest.raises(ConfigError, match=r"is a directory$"):
        load(tmp_path)
    path.write_bytes(b"[server]\ndatabase = '\xff'\n")
    with pytest.raises(ConfigError, match=r"lakegate\.toml:2: not UTF-8 text$"):
        load(path)


def test_the_example_of_the_repository_is_valid() -> None:
    config = load(Path(__file__).parents[2] / "lakegate.toml")
    assert {source.kind for source in config.sources.values()} == {"delta", "iceberg", "postgres", "files"}
