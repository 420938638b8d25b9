"""Kinds of value in the configuration file: addresses, durations, sizes, places of data, and the source of secrets."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, SecretStr, ValidationInfo

from gateway.configuration.error import Problem, problem_at
from gateway.configuration.quantities import parse_days, parse_duration, parse_size
from gateway.configuration.toml_lines import KeyPath

_ENVIRONMENT = re.compile(r"\$\$\{|\$\{([^}]*)\}")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
OBJECT_STORES = ("s3", "s3a", "az", "azure", "abfs", "abfss", "adl", "gs", "http", "https")


class Address(NamedTuple):
    """A host and port to listen on. Port 0 lets the system choose."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Say whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(value: object) -> Address:
    """Return ``host:port`` (``[::1]:5433`` for IPv6) as an address."""
    if isinstance(value, Address):
        return value
    host, colon, port = str(value).rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not (isinstance(value, str) and colon and host and re.fullmatch(r"[0-9]{1,5}", port)) or int(port) > 65535:
        raise ValueError(f'"{value}" is not an address such as "127.0.0.1:5433"')
    return Address(host, int(port))


def _address_or_off(value: object) -> object:
    return None if value in {"", None} else parse_address(value)


def _duration(value: object) -> object:
    return parse_duration(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else value


def _days(value: object) -> object:
    return parse_days(value) if isinstance(value, str) else value


def _size(value: object) -> object:
    return parse_size(value) if isinstance(value, str) else value


def resolve_path(value: str | Path, info: ValidationInfo) -> Path:
    """Return an absolute path; a relative one counts from the configuration file's folder."""
    folder = info.context["folder"] if info.context else Path.cwd()
    return Path(os.path.normpath(folder / Path(value).expanduser()))


def resolve_location(value: str, info: ValidationInfo) -> str:
    """Return an absolute path or an object store's URL."""
    if value.startswith("file:"):
        return str(resolve_path(re.sub(r"^file:(//)?", "", value), info))
    scheme = _SCHEME.match(value)
    if scheme is None:
        return str(resolve_path(value, info))
    if scheme[1].lower() not in OBJECT_STORES:
        raise ValueError(f'"{scheme[1]}://" is not a place known here: a path, {", ".join(OBJECT_STORES)}')
    return value


def resolve_property(value: str, info: ValidationInfo) -> str:
    """Return a catalogue's property with the relative paths of ``sqlite:///`` and ``file://`` made absolute."""
    for prefix in ("sqlite:///", "file://"):
        rest = value.removeprefix(prefix)
        if rest != value and rest not in {"", ":memory:"} and not rest.startswith("/"):
            return f"{prefix}{resolve_path(rest, info)}"
    return value


def _option(value: object) -> object:
    """Storage options are text underneath; TOML's booleans and numbers are taken as such."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _path(value: object, info: ValidationInfo) -> object:
    return resolve_path(value, info) if isinstance(value, str | Path) else value


def _location(value: object, info: ValidationInfo) -> object:
    return resolve_location(str(value), info) if isinstance(value, str | Path) else value


def _property(value: object, info: ValidationInfo) -> object:
    text = _option(value)
    return resolve_property(text, info) if isinstance(text, str) else text


Listen = Annotated[Address, BeforeValidator(parse_address)]
OptionalListen = Annotated[Address | None, BeforeValidator(_address_or_off)]
Seconds = Annotated[float, BeforeValidator(_duration)]
Days = Annotated[int, BeforeValidator(_days)]
Bytes = Annotated[int, BeforeValidator(_size)]
LocalPath = Annotated[Path, BeforeValidator(_path)]
Location = Annotated[str, BeforeValidator(_location)]
SecretOption = Annotated[SecretStr, BeforeValidator(_option)]
CatalogProperty = Annotated[SecretStr, BeforeValidator(_property)]


def expand_environment(value: object, path: KeyPath, lines: Mapping[KeyPath, int], problems: list[Problem]) -> object:
    """Return ``value`` with every ``${NAME}`` replaced by the environment's variable; ``$${`` stands for ``${``.
    A variable that is not set is added to ``problems``.
    """
    if isinstance(value, dict):
        return {key: expand_environment(item, (*path, key), lines, problems) for key, item in value.items()}
    if isinstance(value, list):
        return [expand_environment(item, (*path, index), lines, problems) for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replacement(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "${"
        if name not in os.environ:
            problems.append(problem_at(lines, path, f"environment variable {name or '(no name)'} is not set"))
            return ""
        return os.environ[name]

    return _ENVIRONMENT.sub(replacement, value)
