"""The demo's folder: the data, the gateway's own state, the server of ``crm``, the configuration and a password."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from gateway.configuration.config import DeltaSource, FilesSource, IcebergSource, PostgresSource
from gateway.demo.dataset import Layout

USER = "demo"


def state_directory(directory: Path) -> Path:
    """Return the gateway's data_dir in a demo's folder."""
    return directory / "state"


def crm_directory(directory: Path) -> Path:
    """Return the folder of the PostgreSQL server that plays the part of a company's own."""
    return directory / "crm"


def config_path(directory: Path) -> Path:
    """Return the configuration in a demo's folder."""
    return directory / "lakegate.toml"


def password(directory: Path) -> str:
    """Return the demo user's password, made at the first start and kept."""
    path = directory / "password"
    if not path.exists():
        _write_private(path, secrets.token_urlsafe(9))
    return path.read_text(encoding="utf-8").strip()


def write_config(directory: Path, layout: Layout, port: int, http_port: int) -> Path:
    """Write the configuration, which holds the password of ``crm``'s owner: for the user's own eyes."""
    lines = [
        "# Written by `lakegate demo` at every start.",
        "[server]",
        f'listen = "127.0.0.1:{port}"',
        f'http_listen = "127.0.0.1:{http_port}"',
        f"data_dir = {_quoted(str(state_directory(directory)))}",
        "",
    ]
    for name, source in layout.sources.items():
        lines += [f"[sources.{name}]", f'kind = "{source.kind}"', _detail(source), ""]
    path = config_path(directory)
    _write_private(path, "\n".join(lines))
    return path


def _detail(source: DeltaSource | IcebergSource | PostgresSource | FilesSource) -> str:
    match source:
        case IcebergSource():
            pairs = ", ".join(f"{key} = {_quoted(value)}" for key, value in source.properties().items())
            return f"catalog = {{ {pairs} }}"
        case PostgresSource():
            return f"dsn = {_quoted(source.dsn.get_secret_value())}"
        case _:
            return f"location = {_quoted(source.location)}"


def _quoted(text: str) -> str:
    """Return a TOML string; ``${`` would be read as a variable. JSON's escapes are TOML's."""
    return json.dumps(text.replace("${", "$${"), ensure_ascii=False)


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
