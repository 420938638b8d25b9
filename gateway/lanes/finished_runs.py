"""Statements that have ended are noted for the history."""

from __future__ import annotations

from gateway.history.log import HistoryLog, Run
from gateway.lanes.bound import Portal
from gateway.lanes.prepared import Lane
from gateway.tuning import Tuning


def note_run(portal: Portal, tuning: Tuning, history: HistoryLog) -> None:
    """Note a statement that has ended. Cursors of SQL are not noted: they take as long as their clients do. Nor is what
    was answered by kept rows: no plan was carried out.
    """
    prepared, plan = portal.prepared, portal.prepared.plan
    if portal.lane == "cache":
        return
    if prepared.lane is not Lane.ENGINE or plan is None or portal.declared is not None or portal.wanted is not None:
        return
    by_server, pushes = portal.lane == "source", plan.tuned(tuning).pushdown
    history.note(Run(plan, prepared.statement.text, portal.took, portal.rows_sent, by_server, pushes, portal.read))
