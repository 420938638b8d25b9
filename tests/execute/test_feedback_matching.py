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


def test_a_column_that_is_cast_is_still_the_input_s() -> None:
    """Columns in memory are cast to the table's types; one that is computed of others is none of the input's."""
    leaf = Operator("DataSourceExec", "partitions=1, partition_sizes=[1]", 25.0)
    cast = "expr=[CAST(a@0 AS Int64) as a, b@1 as b, CAST(c@2 AS Decimal128(15, 2)) as c]"
    for projection, named in ((cast, {"a"}), ("expr=[c@0 + b@1 as a]", set()), ("expr=[b@0 as a, a@1 as b]", set())):
        step = Operator("ProjectionExec", projection, 25.0, (leaf,))
        join = Operator("HashJoinExec", "mode=CollectLeft, join_type=Inner, on=[(a@0, x@1)]", 25.0, (step, leaf))
        first = next(one for one in _steps(join, (), whole=True).walk() if not one.children)
        assert _named(first) == named
