"""TPC-H laid out over the four kinds of source, for the demo, tests and benchmarks.

========  ===========  =====================================
source    kind         tables
========  ===========  =====================================
sales     Delta        lineitem, orders
supply    Iceberg      part, partsupp, supplier
crm       PostgreSQL   customer, nation, region
files     CSV, NDJSON  exchange_rates, holidays (invented)
========  ===========  =====================================
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from pyiceberg.catalog.sql import SqlCatalog

from gateway.configuration.config import DeltaSource, FilesSource, IcebergSource, PostgresSource
from gateway.demo import crm
from gateway.demo.generate import DemoError, generate
from gateway.demo.lake_tables import NAMESPACE, catalog_properties, write_delta, write_files, write_iceberg

SALES = ("lineitem", "orders")
SUPPLY = ("part", "partsupp", "supplier")
_FORMAT = 1  # raise it when the layout changes: data of an older format is made anew
_MARKER = "dataset.json"
_PARTS = ("generated", "sales", "supply", "files")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the data is. ``made`` says whether anything had to be made, or all was there already."""

    directory: Path
    scale: float
    crm_dsn: str
    made: bool

    @property
    def sources(self) -> dict[str, DeltaSource | IcebergSource | PostgresSource | FilesSource]:
        """The four sources as a configuration has them."""
        properties = catalog_properties(self.directory / "supply")
        return {
            "sales": DeltaSource(location=str(self.directory / "sales")),
            "supply": IcebergSource(catalog={key: SecretStr(value) for key, value in properties.items()}),
            "crm": PostgresSource(dsn=SecretStr(self.crm_dsn)),
            "files": FilesSource(location=str(self.directory / "files")),
        }


def lay_out(directory: Path, scale: float, crm_dsn: str, report: Callable[[str], None]) -> Layout:
    """Make the data set in ``directory`` and in the empty database ``crm_dsn``, or find it made.

    ``scale`` is TPC-H's (1 is about 6 million lines of orders). ``report`` is told each step as it begins. Data of
    another scale or an interrupted run is made anew; a folder with other contents is refused with `DemoError`.
    """
    directory = directory.absolute()
    wanted = {"format": _FORMAT, "scale": scale, "directory": str(directory)}
    mark = f"{crm.MARK_PREFIX}, format {_FORMAT}, scale {scale:g}"
    lake_made, crm_made = _marked(directory) == wanted, crm.is_loaded(crm_dsn, mark)
    if not (lake_made and crm_made):
        _require_own(directory)
        generated = directory / "generated"
        tables = (*(() if lake_made else (*SALES, *SUPPLY)), *(() if crm_made else crm.TABLES))
        if not lake_made:
            _begin(directory)
        report(f"generating TPC-H at scale {scale:g}: {len(tables)} tables")
        generate(generated, scale, tables)
        if not crm_made:
            report("crm: loading customer, nation and region into PostgreSQL")
            crm.load(crm_dsn, generated, mark)
        if not lake_made:
            _write_lake(directory, generated, report)
            (directory / _MARKER).write_text(json.dumps(wanted), encoding="utf-8")
        shutil.rmtree(generated)
    return Layout(directory, scale, crm_dsn, made=not (lake_made and crm_made))


def _write_lake(directory: Path, generated: Path, report: Callable[[str], None]) -> None:
    for table in SALES:
        report(f"sales: writing {table} as a Delta table")
        write_delta(generated / f"{table}.parquet", directory / "sales" / table)
    (directory / "supply").mkdir()
    catalog = SqlCatalog("supply", **catalog_properties(directory / "supply"))
    try:
        catalog.create_namespace(NAMESPACE)
        for table in SUPPLY:
            report(f"supply: writing {table} as an Iceberg table")
            write_iceberg(generated / f"{table}.parquet", catalog, table)
    finally:
        catalog.close()
    report("files: writing exchange_rates.csv and holidays.ndjson")
    write_files(directory / "files")


def _marked(directory: Path) -> dict[str, object] | None:
    try:
        marker = json.loads((directory / _MARKER).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return marker if isinstance(marker, dict) else None


def _require_own(directory: Path) -> None:
    """Refuse to empty folders that somebody else filled."""
    if not (directory / _MARKER).exists() and any((directory / part).exists() for part in _PARTS):
        raise DemoError(f"{directory} has folders that are not the demo's; choose another with --directory")


def _begin(directory: Path) -> None:
    """Mark the folder as the demo's and unfinished, and remove what an earlier run left."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / _MARKER).write_text(json.dumps({"format": _FORMAT, "unfinished": True}), encoding="utf-8")
    for part in _PARTS:
        shutil.rmtree(directory / part, ignore_errors=True)
