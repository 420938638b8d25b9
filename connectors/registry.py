"""The kinds of source there are, and how one is opened from its settings.

Libraries of table formats are a fifth of a gateway's start and 40 MB of it: one is imported with the first source of
its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from catalog.errors import SqlError
from catalog.scans import Source
from catalog.sqlstate import SqlState
from connectors.files.schemas import CsvOptions
from connectors.files.source import FilesSource
from connectors.postgres.settings import PostgresOptions
from connectors.postgres.source import PostgresSource

_POSTGRES_OPTIONS = tuple(field.name for field in fields(PostgresOptions))
_CSV_OPTIONS = tuple(field.name for field in fields(CsvOptions))


def open_source(name: str, settings: Mapping[str, Any]) -> Source:
    """Return the source of that name; nothing is reached yet. ``settings`` are plain values: ``kind``, and

    - delta: ``location``, ``storage_options``
    - iceberg: ``catalog``, the properties of a pyiceberg catalogue
    - postgres: ``dsn``, and the fields of `PostgresOptions`
    - files: ``location``, ``storage_options``, and the fields of `CsvOptions`

    Raises SqlError (class HV) for an unknown kind or setting and for one that is missing; values are never quoted.
    """
    given = dict(settings)
    kind = given.pop("kind", None)
    if kind not in _KINDS:
        raise SqlError(
            SqlState.FDW_INVALID_ATTRIBUTE_VALUE,
            f'source "{name}" has an unknown kind',
            hint=f"Kinds are {', '.join(_KINDS)}.",
        )
    required, optional, open_kind = _KINDS[kind]
    missing = [key for key in required if key not in given]
    if missing:
        raise SqlError(
            SqlState.FDW_DYNAMIC_PARAMETER_VALUE_NEEDED, f'source "{name}" of kind "{kind}" needs {missing[0]}'
        )
    unknown = sorted(set(given) - {*required, *optional})
    if unknown:
        raise SqlError(
            SqlState.FDW_INVALID_OPTION_NAME,
            f'source "{name}" of kind "{kind}" has no setting {unknown[0]}',
            hint=f"Settings are {', '.join((*required, *optional))}.",
        )
    return open_kind(name, given)


def _delta(name: str, given: dict[str, Any]) -> Source:
    from connectors.delta.source import DeltaSource

    return DeltaSource(name, given["location"], given.get("storage_options", {}))


def _iceberg(name: str, given: dict[str, Any]) -> Source:
    from connectors.iceberg.source import IcebergSource

    return IcebergSource(name, given["catalog"])


def _postgres(name: str, given: dict[str, Any]) -> Source:
    return PostgresSource(name, given.pop("dsn"), PostgresOptions(**given))


def _files(name: str, given: dict[str, Any]) -> Source:
    csv = CsvOptions(**{key: given[key] for key in _CSV_OPTIONS if key in given})
    return FilesSource(name, given["location"], given.get("storage_options", {}), csv)


_Open = Callable[[str, dict[str, Any]], Source]
_KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], _Open]] = {  # required settings, optional ones
    "delta": (("location",), ("storage_options",), _delta),
    "iceberg": (("catalog",), (), _iceberg),
    "postgres": (("dsn",), _POSTGRES_OPTIONS, _postgres),
    "files": (("location",), ("storage_options", *_CSV_OPTIONS), _files),
}
