"""What is told of a statement's hints: which were used, which were not and why, which could not be read."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.lake import Lake
from gateway.pipeline import Plan
from gateway.wire import backend
from optimizer.hints import IS_OF_THE_TEXT

_HEADS = ("used hint", "not used hint", "duplication hint", "error hint")  # pg_hint_plan's


def pin_lines(planned: Plan) -> list[str]:
    """Return the lines of the format TEXT on what is pinned to the statement."""
    return [f"Pinned plan: {one}" for one in pin_shown(planned).values()]


def pin_shown(planned: Plan) -> dict[str, str]:
    """Return what the other formats show of it."""
    pinned = planned.pinned
    if pinned is None:
        return {}
    if pinned.changed is not None:
        reason = f"{pinned.changed} is not as it was when the plan was pinned"
        return {"Pinned Plan": f"{pinned.pin.hints}  (not used: {reason})"}
    by = f"by {pinned.pin.by}, " if pinned.pin.by is not None else ""
    return {"Pinned Plan": f"{pinned.pin.hints}  ({by}{pinned.pin.at:%Y-%m-%d})"}


def hint_lines(planned: Plan) -> list[str]:
    """Return the lines of the format TEXT, as pg_hint_plan.debug_print has them; none where there are no hints."""
    shown = hints_shown(planned)
    lines: list[str] = []
    for head, hints in shown.items():
        lines.append(f"{head}:")
        for one in hints:
            reason = f"  ({one['Reason']})" if "Reason" in one else ""
            lines.append(f"  {one['Hint']}{reason}")
    return lines


def hints_shown(planned: Plan) -> dict[str, list[dict[str, str]]]:
    """Return what the other formats show."""
    asked = planned.hints
    if not asked.is_told:
        return {}
    became = dict(planned.followed)
    mistake = asked.mistake
    found = (
        [{"Hint": text} for text, reason in became.items() if reason is None],
        [{"Hint": text, "Reason": reason} for text, reason in became.items() if reason is not None],
        [{"Hint": text} for text in asked.repeated],
        [] if mistake is None else [{"Hint": mistake.near, "Reason": mistake.detail}],
    )
    return dict(zip(_HEADS, found, strict=True))


def hint_notices(planned: Plan | None, lake: Lake) -> Iterator[backend.NoticeResponse]:
    """Yield what a client is told when the statement is executed: of hints that were not followed, and why."""
    if (
        planned is None or not planned.hints.is_told or planned.pinned is not None
    ):  # those of a pin are not the client's
        return
    mistake = planned.hints.mistake
    if mistake is not None:
        yield _notice(f'hint syntax error at or near "{mistake.near}"', mistake.detail)
    for text in planned.hints.repeated:
        yield _notice(f"hint is not used: {text}", "A later hint says otherwise.")
    if not planned.followed:
        return
    in_full = _sees_all(planned, lake)
    for text, reason in planned.followed:
        if reason is not None and (in_full or reason in IS_OF_THE_TEXT):
            yield _notice(f"hint is not used: {text}", f"{reason[:1].upper()}{reason[1:]}.")


def _sees_all(planned: Plan, lake: Lake) -> bool:
    """Whether who asks may know of the tables what plans depend on: servers may hide rows from his login."""
    principal, tables = planned.principal, planned.optimized.tables
    if principal.superuser:
        return True
    lake_tables = (name for name in tables if name not in planned.session)
    if planned.optimized.policies or any(lake.access.columns(principal, name) is not None for name in lake_tables):
        return False
    return all(table.kind != "postgres" for table in tables.values())


def _notice(message: str, detail: str) -> backend.NoticeResponse:
    return backend.NoticeResponse({"S": "INFO", "V": "INFO", "C": "00000", "M": message, "D": detail})
