"""SQLAlchemy's suite makes tables, which is not the gateway's: what it writes goes to the source that has them, and all
that it asks to the gateway. Temporary tables are the session's, and so the gateway's. What became of each test is
written to the file that `LAKEGATE_SUITE_OUTCOMES` names.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.clients.alchemy.expected import NOT_RUN

pytest.register_assert_rewrite("sqlalchemy.testing.assertions")

from sqlalchemy.testing.plugin.pytestplugin import *  # noqa: E402, F403

_WRITES = re.compile(r"\s*(?:CREATE|DROP|ALTER|COMMENT|INSERT|UPDATE|DELETE|TRUNCATE)\b", re.I)
_WITH_WRITES = re.compile(r"\s*WITH\b.*^\s*(?:INSERT|UPDATE|DELETE)\b", re.I | re.DOTALL | re.MULTILINE)
_CHANGES_ROWS = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|TRUNCATE|WITH)\b", re.I)
_TEMPORARY = re.compile(r"\s*CREATE\s+(?:LOCAL\s+)?TEMP(?:ORARY)?\s+(?:TABLE|VIEW)\s+([\w\"]+)", re.I)
_OUTCOMES: dict[str, tuple[str, str]] = {}


class _Source:
    """The source of the tables, and whether the gateway knows them as they are."""

    def __init__(self, source: str, gateway: str) -> None:
        self.connection = psycopg.connect(source, autocommit=True)
        self.connection.execute("SET lock_timeout = 2000")
        self.gateway = psycopg.connect(gateway, autocommit=True)
        self.is_known = True
        self.temporary: set[str] = set()  # names of the sessions' own tables

    def writes(self, statement: str) -> bool:
        """Whether a statement changes what is the source's."""
        made = _TEMPORARY.match(statement)
        if made:
            self.temporary.add(made[1].strip('"'))
        is_written = bool(_WRITES.match(statement) or _WITH_WRITES.match(statement))
        return is_written and not made and not any(name in statement for name in self.temporary)

    def execute(self, statement: str, parameters: Any, context: Any, *, many: bool = False) -> bool | None:
        """Execute a statement that writes; return None for one that the gateway is to be asked."""
        if not self.writes(statement):
            if not self.is_known:
                self.gateway.execute("REFRESH SOURCE test")
                self.is_known = True
            return None
        own = self.connection.cursor()
        statement = statement.replace("test_schema.", "schema.")  # which the gateway shows behind the source's name
        if many:
            own.executemany(statement.encode(), parameters)
        else:
            own.execute(statement.encode(), parameters)
        self.is_known = self.is_known and bool(_CHANGES_ROWS.match(statement))
        if context is not None:
            context.cursor = own
        return True


def _through(source: _Source) -> None:
    @event.listens_for(Engine, "do_execute")
    def _one(cursor: Any, statement: str, parameters: Any, context: Any) -> bool | None:
        return source.execute(statement, parameters, context)

    @event.listens_for(Engine, "do_execute_no_params")
    def _plain(cursor: Any, statement: str, context: Any) -> bool | None:
        return source.execute(statement, None, context)

    @event.listens_for(Engine, "do_executemany")
    def _many(cursor: Any, statement: str, parameters: Any, context: Any) -> bool | None:
        return source.execute(statement, parameters, context, many=True)


class _Outcomes:
    """What is left out, and what became of the others. A plugin of its own beside SQLAlchemy's hooks."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [one for one in items if not re.search(NOT_RUN, one.nodeid)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.partition("::")[2]
        if report.outcome == "failed":
            _OUTCOMES[name] = "failed", report.longreprtext[-1000:]
        elif report.when == "call" or report.outcome == "skipped":
            _OUTCOMES.setdefault(name, (report.outcome, ""))

    def pytest_sessionfinish(self) -> None:
        Path(os.environ["LAKEGATE_SUITE_OUTCOMES"]).write_text(json.dumps(_OUTCOMES), encoding="utf-8")


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add those of this file, whose names SQLAlchemy's plugin has, too."""
    pluginmanager.register(_Outcomes())


if "LAKEGATE_SUITE_SOURCE" in os.environ:  # else PostgreSQL itself is asked
    _through(_Source(os.environ["LAKEGATE_SUITE_SOURCE"], os.environ["LAKEGATE_SUITE_GATEWAY"]))
