"""What joins cost, in nanoseconds of one core's time.

The constants are fitted to 60 joins of tables in memory by DataFusion 55 on a server of 2 cores (2026-11): builds of
1,000 to 1,500,000 rows, probes of 1 and 4 million, with 0 or 4 columns of 8 bytes on either side, of which every or
every twentieth row finds a partner; the time of reading and adding up the same columns was taken off. They describe the
measurements within 25 % (root of the mean squared relative error). What a scan costs does not depend on the order of
joins and is left out.
"""

from __future__ import annotations

# Of rows that are read, for the question whether keys are worth asking first. Measured with PostgreSQL 18 and 6 million
# rows of lineitem on the same machine (2026-11): two columns sent, one column compared with 10 to 100,000 keys without
# an index, keys looked up in an index; and DataFusion that reads a column of 6 million rows in Parquet.
REMOTE_ROW = 700.0  # sent by a server and decoded here; over a network it costs more, and keys are worth more
REMOTE_ROW_LEFT_OUT = 200.0  # looked at by the server, which compares it with keys
REMOTE_ROW_COMPUTED = 200.0  # joined or grouped by the server, instead of sent
REMOTE_KEY = 1500.0  # written, sent, and put where rows are compared with it
REMOTE_KEY_IN_INDEX = 12_000.0  # written, sent and looked up
FILE_ROW = 10.0  # of a column or two of files
ASKED_FIRST = 5e6  # a query more, before the others

HASH_BUILD_ROW = 4.8  # a row of the hashed side
HASH_BUILD_BYTE = 0.34  # a byte of its columns, which are copied together
HASH_PROBE_ROW = 2.3  # a row of the streamed side, whether it finds a partner or not
OUTPUT_ROW = 0.6
OUTPUT_BYTE = 0.1
COMPARED_PAIR = 2.0  # a pair of rows of a join without an equality; not fitted, nearly as much as a probe


def hash_join(build_rows: float, build_width: float, probe_rows: float, rows: float, width: float) -> float:
    """Return the cost of a hash join; widths are bytes of a row."""
    build = build_rows * (HASH_BUILD_ROW + HASH_BUILD_BYTE * build_width)
    return build + probe_rows * HASH_PROBE_ROW + rows * (OUTPUT_ROW + OUTPUT_BYTE * width)


def nested_loop_join(left_rows: float, right_rows: float, rows: float, width: float) -> float:
    """Return the cost of comparing every pair of rows."""
    return left_rows * right_rows * COMPARED_PAIR + rows * (OUTPUT_ROW + OUTPUT_BYTE * width)
