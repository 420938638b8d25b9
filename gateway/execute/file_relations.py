"""Files as relations: a `FileScan` becomes a view of DataFusion whose columns are those of the table, or the files'
table itself where there is nothing to do to it.

Each group of files is an external table over exactly these files. Above it constants stand for the columns that the
files do not hold, casts bring every column to the table's type, anti joins take out deleted rows; the table is the
``UNION ALL`` of its groups. DataFusion inlines views, so filters, statistics and dynamic filters reach the files.

External tables are made in a context of our own (the builder): its settings do not depend on the statement's, and the
statement's context holds the finished view alone, nothing that could be read around it.
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import structlog
from datafusion import DataFrame, SessionContext
from datafusion.catalog import Schema

from catalog.errors import SqlError
from catalog.names import always_quoted
from catalog.scans import FileScan
from catalog.sqlstate import SqlState
from connectors.object_stores import is_local
from gateway.execute import file_groups, file_stores

_log = structlog.get_logger(__name__)
SCHEMA = "lakegate_scans"
KEPT_RELATIONS = 512  # views a context keeps; more than statements that run at once, or one loses its relation
_BUILDER_SETTINGS = {
    "datafusion.sql_parser.dialect": "generic",  # the one with STRUCT<...> and unsigned types
    "datafusion.sql_parser.map_string_types_to_utf8view": "true",  # declared columns are read as views, too
    "datafusion.sql_parser.enable_ident_normalization": "true",
    "datafusion.execution.parquet.schema_force_view_types": "true",
    "datafusion.execution.time_zone": "UTC",  # makes TIMESTAMPTZ a timestamp with zone
    "datafusion.execution.parquet.coerce_int96": "us",  # Spark's timestamps: nanoseconds would end in 2262
    "datafusion.execution.listing_table_factory_infer_partitions": "false",  # "a=1/" in a path is no column
    "datafusion.execution.collect_statistics": "true",
}


@dataclass(slots=True)
class _Registrations:
    """What a context holds of ours. The lock guards the dictionary; views are built outside of it."""

    builder: SessionContext
    names: OrderedDict[tuple[str, bool, bool], str] = field(default_factory=OrderedDict)
    stores: set[tuple[str, str]] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


_contexts: WeakKeyDictionary[SessionContext, _Registrations] = WeakKeyDictionary()
_contexts_lock = threading.Lock()
_numbers = itertools.count(1)


def register(context: SessionContext, scan: FileScan, *, fenced: bool = False) -> str:
    """Make the scan readable in ``context`` and return its name, qualified and quoted for SQL.

    The same key gives the same name without further work; what is ``fenced`` (read from under a fence alone) has
    another than what is not, so that a statement may read a table in both ways. Blocks (object stores may be asked);
    call it in a thread.
    A context keeps the `KEPT_RELATIONS` used last. Raises SqlError for what the engine cannot read.
    """
    known = _registrations(context)
    key = scan.key, scan.late, fenced
    with known.lock:
        name = known.names.get(key)
        if name is not None:
            known.names.move_to_end(key)
            return name
    file_stores.register((context, known.builder), scan, known.stores)
    relation = (
        file_groups.get_plain_table(known.builder, scan) or _relation(known.builder, scan, fenced=fenced).into_view()
    )
    bare = f"scan_{next(_numbers)}"
    context.register_table(f"datafusion.{SCHEMA}.{bare}", relation)
    return _keep(context, known, key, bare)


def unregistered(context: SessionContext, scan: FileScan) -> DataFrame:
    """Return the scan's rows for one reading: nothing new can be read in ``context``. Blocks as `register` does."""
    known = _registrations(context)
    file_stores.register((context, known.builder), scan, known.stores)
    return _relation(known.builder, scan, fenced=False)


def is_local_scan(scan: FileScan) -> bool:
    """Say whether all files of the scan are in this machine's file system; those of deletes are kept beside them."""
    return all(is_local(file) for group in scan.groups for file in group.files)


def missing_files(scan: FileScan) -> list[str]:
    """Return the files of the scan that are not there any more (removed by a vacuum, say).

    DataFusion leaves out a file that it does not find when it plans, which is a wrong answer. So call this for every
    statement, after its physical plan was made and before its first row: a file lost later fails the statement by
    itself. Local files cost a few microseconds each. Files of object stores are asked for once a minute and file.
    """
    files = list(dict.fromkeys(file_stores.files_of(scan)))
    local = [file for file in files if is_local(file)]
    missing = file_stores.missing_local(local)
    if len(local) < len(files):
        missing += file_stores.missing_remote([file for file in files if not is_local(file)], scan.storage)
    return missing


def require_files(scan: FileScan) -> None:
    """A file that is gone when the engine plans would be skipped without a word: fewer rows, no error. One that goes
    later fails the statement by itself, so this is asked after planning and before the first row.
    """
    missing = missing_files(scan)
    if missing:  # how many, and their names, may tell of rows that who asks does not see
        _log.error("data files are missing", count=len(missing), first=missing[0])
        raise SqlError(
            SqlState.IO_ERROR,
            "data files of the table are missing",
            hint="The table may have been vacuumed since the statement began: run it again.",
        )


def _registrations(context: SessionContext) -> _Registrations:
    with _contexts_lock:
        known = _contexts.get(context)
        if known is None:
            config = context.copied_config()
            for setting, value in _BUILDER_SETTINGS.items():
                config = config.set(setting, value)
            context.catalog().register_schema(SCHEMA, Schema.memory_schema())
            known = _contexts[context] = _Registrations(SessionContext(config))
        return known


def _keep(context: SessionContext, known: _Registrations, key: tuple[str, bool, bool], bare: str) -> str:
    """Note the new view; give way to another thread that was faster, and to the limit."""
    name = f'"datafusion".{always_quoted(SCHEMA)}.{always_quoted(bare)}'
    surplus = []
    with known.lock:
        other = known.names.setdefault(key, name)
        if other != name:
            surplus.append(name)
        while len(known.names) > KEPT_RELATIONS:
            surplus.append(known.names.popitem(last=False)[1])
    for unused in surplus:
        context.deregister_table(unused)
    return other


def _relation(builder: SessionContext, scan: FileScan, *, fenced: bool) -> DataFrame:
    frames = file_groups.relations(builder, scan)
    if not frames:
        return file_groups.in_memory(builder, scan.schema.empty_table())
    return file_groups.balanced_union(frames, fenced=fenced)
