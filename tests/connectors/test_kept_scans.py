"""Scans of a version are made once for each choice of its files."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from catalog.scans import FileGroup, FileScan
from connectors.kept_scans import KeptScans
from connectors.pruning import Mask

SCHEMA = pa.schema([("n", pa.int64())])


def _scan(chosen: Mask) -> FileScan:
    files = tuple(f"/t/{at}" for at in np.flatnonzero(chosen))
    return FileScan(str(files), SCHEMA, (FileGroup("parquet", files, ()),), len(chosen))


def test_a_choice_of_files_has_one_scan() -> None:
    kept = KeptScans()
    first, second = np.array([True, False]), np.array([False, True])
    one = kept.require(first, lambda: _scan(first))
    assert kept.require(first.copy(), lambda: _scan(second)) is one
    other = kept.require(second, lambda: _scan(second))
    assert other.groups[0].files == ("/t/1",)
    assert kept.require(first, lambda: _scan(second)) is one


def test_those_of_many_files_are_not_kept() -> None:
    kept = KeptScans()
    everything = np.ones(30_000, dtype=np.bool_)
    one = kept.require(everything, lambda: _scan(everything))
    assert kept.require(everything, lambda: _scan(everything)) is not one
