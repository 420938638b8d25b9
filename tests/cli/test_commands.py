"""Commands that need no server: what they say and how they end."""

from __future__ import annotations

import socket
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from tests.cli.command import lakegate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a configuration of two sources that work."""
    (tmp_path / "lakegate.toml").write_text(
        '[sources.files]\nkind = "files"\nlocation = "data"\n[sources.lake]\nkind = "delta"\nlocation = "tables"\n'
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rates.csv").write_text("month,rate\n1995-01-01,1.5\n")
    write_deltalake(tmp_path / "tables" / "orders", pa.table({"a": [1, 2, 3]}))
    return tmp_path


def test_version(tmp_path: Path) -> None:
    done = lakegate("version", folder=tmp_path)
    assert done.code == 0
    assert done.output.startswith("lakegate 0.")
    assert "datafusion 55." in done.output


def test_help_lists_the_commands(tmp_path: Path) -> None:
    done = lakegate("--help", folder=tmp_path)
    assert done.code == 0
    for command in ("serve", "demo", "stop", "check", "calibrate", "user", "version"):
        assert f" {command} " in done.output


@pytest.mark.parametrize("arguments", [["nonsense"], ["serve", "--port", "1"], ["demo", "--scale", "-1"], ["user"]])
def test_wrong_arguments(tmp_path: Path, arguments: list[str]) -> None:
    assert lakegate(*arguments, folder=tmp_path).code == 2


@pytest.mark.parametrize("command", [["serve"], ["stop", "--config", "lakegate.toml"]])
def test_a_wrong_configuration_is_told_by_line(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "lakegate.toml").write_text('[server]\nlisten = "0.0.0.0:1"\n\n[auth]\nmethod = "trust"\n')
    done = lakegate(*command, folder=tmp_path)
    assert done.code == 2
    assert done.errors.startswith('error: lakegate.toml:5: auth.method: "trust" lets anyone in')


def test_a_missing_configuration(tmp_path: Path) -> None:
    done = lakegate("serve", folder=tmp_path)
    assert done.code == 2
    assert done.errors.startswith("error: lakegate.toml: no such file or directory\n")


def test_an_unknown_log_level(folder: Path) -> None:
    done = lakegate("serve", "--log-level", "loud", folder=folder)
    assert (done.code, done.errors.splitlines()[0]) == (2, 'error: no log level "loud"')


def test_check_prints_what_it_found(folder: Path) -> None:
    done = lakegate("check", folder=folder)
    assert done.code == 0, done.errors
    assert done.output.startswith("lakegate.toml: valid, 2 sources\n")
    rows = [[cell.strip() for cell in line.split("│")] for line in done.output.splitlines() if "│" in line]
    assert [row[1:4] for row in rows] == [["files", "files", "1: files.rates"], ["lake", "delta", "1: lake.orders"]]
    assert rows[1][4] == "3"


def test_check_tells_every_failure_and_still_what_works(folder: Path) -> None:
    with (folder / "lakegate.toml").open("a") as file:
        file.write('[sources.crm]\nkind = "postgres"\ndsn = "host=127.0.0.1 port=1 user=x password=hunter2"\n')
        file.write('[sources.gone]\nkind = "delta"\nlocation = "nowhere"\n')
    (folder / "data" / "broken.parquet").write_text("not Parquet")
    done = lakegate("check", folder=folder)
    assert done.code == 1
    assert "1: lake.orders" in done.output
    for wanted in ("✗ crm: ", "✗ gone: ", "✗ files.broken: "):
        assert wanted in done.output
    assert "hunter2" not in done.output + done.errors


def test_check_waits_no_longer_than_told(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, (folder / "lakegate.toml").open("a") as file:
        port = silent.getsockname()[1]
        file.write(f'[sources.crm]\nkind = "postgres"\ndsn = "host=127.0.0.1 port={port} user=x"\n')
        file.flush()
        done = lakegate("check", "--timeout", "1.5", folder=folder, seconds=10)
    assert done.code == 1
    assert "no answer within 1.5 s" in done.output
    assert "1: lake.orders" in done.output


def test_stop_where_nothing_runs(folder: Path) -> None:
    done = lakegate("stop", folder=folder)
    assert done.code == 1
    assert done.errors == f"error: no gateway runs on {folder}/.lakegate or {folder}/.lakegate/demo/state\n"


def test_the_demo_refuses_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = lakegate("demo", "--port", str(port), folder=tmp_path)
    assert done.code == 1
    assert done.errors == (
        f"error: port {port} cannot be listened on: address already in use\nhint: choose another with --port\n"
    )
    assert not (tmp_path / ".lakegate").exists()
