"""What statements took, under the name and with the columns of PostgreSQL's extension ``pg_stat_statements`` (1.12),
for tools that ask it.

It has the same rows as the views in ``lakegate`` (`catalog.mirror.history_views`), and shows each asker what these do.
Plans are not counted, as where ``pg_stat_statements.track_planning`` is off. Nothing of what is in it has used
PostgreSQL's buffers, WAL or compiler, so that their columns are 0.
"""

from __future__ import annotations

from catalog.own_views import STAT_STATEMENTS

_FLOAT, _COUNT = "float8", "int8"
_PLANS = {
    "plans": _COUNT,
    **{f"{what}_plan_time": _FLOAT for what in ("total", "min", "max", "mean", "stddev")},
}
_BLOCKS = {
    f"{kind}_blks_{what}": _COUNT for kind in ("shared", "local") for what in ("hit", "read", "dirtied", "written")
}
_TIMES = {f"{kind}_blk_{what}_time": _FLOAT for kind in ("shared", "local", "temp") for what in ("read", "write")}
_REST = {
    **_BLOCKS,
    **{f"temp_blks_{what}": _COUNT for what in ("read", "written")},
    **_TIMES,
    **{"wal_records": _COUNT, "wal_fpi": _COUNT, "wal_bytes": "numeric", "wal_buffers_full": _COUNT},
    **{"jit_functions": _COUNT, "jit_generation_time": _FLOAT},
    **{
        f"jit_{what}_{of}": type_
        for what in ("inlining", "optimization", "emission", "deform")
        for of, type_ in (("count", _COUNT), ("time", _FLOAT))
    },
    **{"parallel_workers_to_launch": _COUNT, "parallel_workers_launched": _COUNT},
}


def _zeros(columns: dict[str, str]) -> str:
    return ", ".join(f"0::pg_catalog.{type_} AS {name}" for name, type_ in columns.items())


def stat_statements(seen: str) -> str:
    """Return what makes the view. ``seen`` is a query for the runs that the asker may see, of which
    ``tells_rows`` says whether he may be told how many rows they had.
    """
    return f"""
CREATE VIEW pg_catalog.{STAT_STATEMENTS} WITH (security_barrier) AS
SELECT s.role_oid AS userid, d.oid AS dbid, true AS toplevel, s.queryid, min(s.query) AS query, {_zeros(_PLANS)},
       sum(s.calls)::bigint AS calls, sum(s.total) AS total_exec_time, min(s.least) AS min_exec_time,
       max(s.most) AS max_exec_time, sum(s.total) / sum(s.calls)::float8 AS mean_exec_time,
       sqrt(greatest(0, sum(s.squares) / sum(s.calls)::float8 - (sum(s.total) / sum(s.calls)::float8) ^ 2))
         AS stddev_exec_time,
       CASE WHEN bool_and(s.tells_rows) THEN sum(s.rows)::bigint END AS rows, {_zeros(_REST)},
       min(s.first) AS stats_since, min(s.first) AS minmax_stats_since
FROM ({seen}) s
JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
GROUP BY s.role_oid, d.oid, s.queryid;
GRANT SELECT ON pg_catalog.{STAT_STATEMENTS} TO PUBLIC;
"""
