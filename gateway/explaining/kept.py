"""What EXPLAIN tells of rows that were kept: the statement itself would be answered by them."""

from __future__ import annotations

from gateway.result_cache import Result


def kept_shown(kept: Result | None) -> dict[str, object]:
    """Return what the formats for programs show; nothing where there are no such rows."""
    return {} if kept is None else {"Rows": kept.rows, "Bytes": kept.bytes, "Age": round(kept.age, 3)}


def kept_lines(shown: dict[str, object]) -> list[str]:
    """Return the same for TEXT."""
    return [f"Result cache: hit, {shown['Rows']} rows ({shown['Bytes']} bytes), {shown['Age']} s old"] if shown else []
