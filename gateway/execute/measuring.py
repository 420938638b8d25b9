"""What a statement's operators have counted, told when it has ended."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from datafusion import ExecutionPlan

from gateway.execute.operators import operators
from gateway.execute.port import Measured

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Measuring:
    """A plan that runs; ``rows`` are those that it has handed on to who reads them, ``in_memory`` the scans whose rows
    are.
    """

    plan: ExecutionPlan
    measured: Measured
    in_memory: frozenset[str] = frozenset()
    rows: int = 0

    def tell(self) -> None:
        """Tell what was counted. Nobody waits for it, so what fails is logged."""
        try:
            root = operators(self.plan)
            # A plan that is kept for a text is the last one to have been run, perhaps for somebody else just now.
            if root.rows == self.rows:
                self.measured(root, self.in_memory)
        except Exception:
            _log.exception("what operators have counted cannot be taken")
