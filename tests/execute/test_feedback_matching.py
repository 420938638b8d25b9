"""What operators read is told by the columns that operators above name."""

from __future__ import annotations

from gateway.execute.operators import Operator
from gateway.feedback.matching import _named, _steps


def test_inputs_that_are_alike_are_two() -> None:
    """Rows in memory look the same where there are as many: each side has its own column of the join."""
    leaf = Operator("DataSourceExec", "partitions=1, partition_sizes=[1]", 25.0)
    join = Operator("HashJoinExec", "mode=CollectLeft, join_type=Inner, on=[(a@0, b@1)]", 25.0, (leaf, leaf))
    left, right = (step for step in _steps(join, (), whole=True).walk() if not step.children)
    assert (_named(left), _named(right)) == (frozenset("a"), frozenset("b"))
