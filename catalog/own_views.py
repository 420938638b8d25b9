"""Views in the gateway's own schema ``lakegate`` of the mirror: they tell of the gateway, and not of the lake."""

from __future__ import annotations

MASKING_VIEWS = frozenset(
    {"masking_policies", "column_masks", "tags", "tag_assignments", "tag_policies", "tag_removals"}
)
HISTORY_VIEWS = frozenset({"statement_history", "plan_history", "plan_changes", "advice", "pinned_plans"})
"""Those whose rows the mirror is told before a statement that names one, as it is for `STAT_STATEMENTS`."""
STAT_STATEMENTS = "pg_stat_statements"
"""What was run, under the name and with the columns of PostgreSQL's extension. It is in ``pg_catalog``."""
OWN_VIEWS = MASKING_VIEWS | HISTORY_VIEWS
