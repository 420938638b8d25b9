"""What joins and transfers cost, in nanoseconds of one core's time, on the machine that the gateway runs on."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Costs:
    """Nanoseconds of one core's time; ``lakegate calibrate`` measures them on a machine.

    Those of joins are fitted to 60 joins of tables in memory by DataFusion 55 on a server of 2 cores (2026-11): builds
    of 1,000 to 1,500,000 rows, probes of 1 and 4 million, with 0 or 4 columns of 8 bytes on either side, of which every
    or every twentieth row finds a partner; the time of reading and adding up the same columns was taken off. They
    describe the measurements within 25 % (root of the mean squared relative error). What a scan costs does not depend
    on the order of joins and is left out. ``compared_pair`` is not fitted, and nearly as much as a probe.

    The others are for the question whether keys are worth asking first, or a server had better join. They were measured
    with PostgreSQL 18 and 6 million rows of lineitem on the same machine: two columns sent, one column compared with 10
    to 100,000 keys without an index, keys looked up in an index; and DataFusion that reads a column of 6 million rows
    in Parquet.
    """

    hash_build_row: float = 4.8  # a row of the hashed side
    hash_build_byte: float = 0.34  # a byte of its columns, which are copied together
    hash_probe_row: float = 2.3  # a row of the streamed side, whether it finds a partner or not
    output_row: float = 0.6
    output_byte: float = 0.1
    compared_pair: float = 2.0  # a pair of rows of a join without an equality
    file_row: float = 10.0  # of a column or two of files
    remote_row: float = 700.0  # sent by a server and decoded here
    remote_row_computed: float = 200.0  # joined or grouped by the server, instead of sent
    remote_row_left_out: float = 200.0  # looked at by the server, which compares it with keys
    remote_key: float = 1500.0  # written, sent, and put where rows are compared with it
    remote_key_in_index: float = 12_000.0  # written, sent and looked up
    asked_first: float = 5e6  # a query more, before the others

    def changed(self) -> dict[str, float]:
        """Return those that are not the usual ones, as EXPLAIN (SETTINGS) shows them."""
        return {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name) != one.default}


@dataclass(slots=True)
class _InUse:
    costs: Costs


_IN_USE = _InUse(Costs())


def use(costs: Costs) -> None:
    """Plan by these costs from now on, in the whole process: they are the machine's."""
    _IN_USE.costs = costs


def costs() -> Costs:
    """Return the costs by which plans are made."""
    return _IN_USE.costs


def hash_join(build_rows: float, build_width: float, probe_rows: float, rows: float, width: float) -> float:
    """Return the cost of a hash join; widths are bytes of a row."""
    now = _IN_USE.costs
    build = build_rows * (now.hash_build_row + now.hash_build_byte * build_width)
    return build + probe_rows * now.hash_probe_row + rows * (now.output_row + now.output_byte * width)


def nested_loop_join(left_rows: float, right_rows: float, rows: float, width: float) -> float:
    """Return the cost of comparing every pair of rows."""
    now = _IN_USE.costs
    return left_rows * right_rows * now.compared_pair + rows * (now.output_row + now.output_byte * width)
