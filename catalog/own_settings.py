"""Settings of sessions that are the gateway's own: by them a session tunes how its statements are answered.

PostgreSQL keeps them as it keeps any setting with a dot in its name; that there are these, and no others that begin
with ``lakegate.``, it is told by the gateway.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OwnSetting:
    """A setting that is on or off. ``description`` is what ``pg_settings`` says of it, ``usual`` what it is where
    nobody has set it.
    """

    name: str
    description: str
    usual: str = "on"


OWN_SETTINGS = (
    OwnSetting("lakegate.dynamic_filters", "Reads large tables by the keys of small ones that they are joined to."),
    OwnSetting("lakegate.feedback", "Plans statements by the rows that they and their like had when they were run."),
    OwnSetting("lakegate.join_reordering", "Joins tables in the order that is expected to be the cheapest."),
    OwnSetting("lakegate.materialize_with", "Computes WITH queries once that are named several times, where it pays."),
    OwnSetting("lakegate.pushdown", "Has the server that has their tables answer statements, and parts of them."),
    OwnSetting("lakegate.result_cache", "Answers statements by rows kept from before while the same would be read."),
)
"""In the order of their names."""
