"""Physical plans over rows in memory, executed again and again: to make one takes several times as long as to run it.

A parameter of a plan is a call of a function that gives the value of the execution at hand. So a plan is for one
execution at a time; those at once have one each.
"""

from __future__ import annotations

import itertools
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import pyarrow as pa
import structlog
from cachetools import LRUCache
from datafusion import DataFrame, ExecutionPlan, RecordBatchStream, SessionContext, udf

_log = structlog.get_logger(__name__)
_KEPT = 128  # plans that nobody executes
_USES = 64  # of one plan: with each its metrics take 4 kB more
_TYPES = 64  # of parameters
_JUDGED = 1024
# Operators that begin anew with each execution. A sort of the first rows does not: it goes on from those it last saw.
_REPEATABLE = frozenset(
    {
        *("AggregateExec", "CoalesceBatchesExec", "CooperativeExec", "DataSourceExec", "EmptyExec", "FilterExec"),
        *("GlobalLimitExec", "LocalLimitExec", "PlaceholderRowExec", "ProjectionExec", "SortExec"),
    }
)
_FIRST_ROWS, _FILTERED = "TopK(", "DynamicFilter"

_Key = tuple[str, tuple[pa.DataType, ...]]


@dataclass(slots=True, weakref_slot=True)
class _Values:
    """The parameters of one execution, each an array of one value."""

    arrays: Sequence[pa.Array] = ()


@dataclass(slots=True)
class KeptPlan:
    """A plan that is one execution's alone until that has ended."""

    key: _Key
    frame: DataFrame
    plan: ExecutionPlan
    values: _Values
    uses: int = 0


class KeptPlans:
    """Plans of a context over relations that never change. Safe for several threads."""

    def __init__(self, context: SessionContext) -> None:
        self._context = context
        self._idle: OrderedDict[_Key, list[KeptPlan]] = OrderedDict()
        self._count = 0
        self._judged: LRUCache[_Key, bool] = LRUCache(_JUDGED)  # whether there may be plans
        self._functions: dict[tuple[pa.DataType, int], str] = {}
        self._values: WeakValueDictionary[int, _Values] = WeakValueDictionary()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def take(self, sql: str, parameters: Sequence[pa.Scalar], require: Callable[[DataFrame], None]) -> KeptPlan | None:
        """Return a plan of a query, made where none is idle; None where it can be executed only once.

        The parameters must do nothing but be compared with columns. ``require`` is called with what is planned anew,
        and raises where it must not be executed.
        """
        key = sql, tuple(one.type for one in parameters)
        with self._lock:
            judged = self._judged.get(key)
            idle = self._idle.get(key)
            if judged and idle:
                self._count -= 1
                return idle.pop()
        if judged is False:
            return None
        made = self._made(key, require)
        if made is not None and judged is None and not self._is_usual(made, parameters, require):
            made = None
        with self._lock:
            self._judged[key] = made is not None
        return made

    def has_idle(self, sql: str, types: Sequence[pa.DataType]) -> bool:
        """Whether `take_idle` would have a plan."""
        return bool(self._idle.get((sql, tuple(types))))

    def take_idle(self, sql: str, types: Sequence[pa.DataType]) -> KeptPlan | None:
        """Return a plan of a query that nobody executes, if there is one."""
        key = sql, tuple(types)
        with self._lock:
            idle = self._idle.get(key)
            if not idle:
                return None
            self._count -= 1
            return idle.pop()

    def streams(self, taken: KeptPlan, parameters: Sequence[pa.Scalar]) -> Iterator[RecordBatchStream]:
        """Execute a plan, as one stream. Who has read it asks for another one, or the plan is not used again."""
        taken.uses += 1
        taken.values.arrays = [pa.repeat(one, 1) for one in parameters]
        yield self._context.execute(taken.plan, 0)
        self._leave(taken)

    def _leave(self, kept: KeptPlan) -> None:
        kept.values.arrays = ()
        if kept.uses >= _USES:
            return
        with self._lock:
            if kept.key not in self._judged:  # its relation was given up meanwhile: the plan would hold on to the rows
                return
            self._idle.setdefault(kept.key, []).append(kept)
            self._idle.move_to_end(kept.key)
            self._count += 1
            while self._count > _KEPT:
                _, given_up = self._idle.popitem(last=False)
                self._count -= len(given_up)

    def forget(self, relation: str) -> None:
        """Let go of plans over a relation."""
        with self._lock:
            for key in [key for key in self._judged if f'"{relation}"' in key[0]]:
                del self._judged[key]
            for key in [key for key in self._idle if f'"{relation}"' in key[0]]:
                self._count -= len(self._idle.pop(key))

    def _made(self, key: _Key, require: Callable[[DataFrame], None]) -> KeptPlan | None:
        values = _Values()
        calls = self._calls(key[1], values)
        if calls is None:
            return None
        try:
            frame = self._context.sql(key[0], **calls)
            plan = frame.execution_plan()
        except Exception as failure:  # the query is planned as ever then, which tells of it
            _log.info("a plan is not kept", reason=type(failure).__name__)
            return None
        require(frame)
        return KeptPlan(key, frame, plan, values) if _is_repeatable(plan) else None

    def _is_usual(self, made: KeptPlan, parameters: Sequence[pa.Scalar], require: Callable[[DataFrame], None]) -> bool:
        """Whether a plan does what one for these parameters alone does, in the same order."""
        if not parameters:
            return True
        given = {str(number): value for number, value in enumerate(parameters, 1)}
        usual = self._context.sql(made.key[0], param_values=given)
        require(usual)
        names = [[_name(operator) for operator in _operators(plan)] for plan in (made.plan, usual.execution_plan())]
        return names[0] == names[1] and made.frame.schema().types == usual.schema().types

    def _calls(self, types: Sequence[pa.DataType], values: _Values) -> dict[str, Any] | None:
        """Return what stands for each parameter; None where there are too many types of them."""
        if not types:
            return {}
        number = next(self._numbers)
        names = [self._function(type_, place) for place, type_ in enumerate(types)]
        self._values[number] = values
        found = {str(place): f"{name}({number})" for place, name in enumerate(names, 1) if name is not None}
        return found if len(found) == len(types) else None

    def _function(self, type_: pa.DataType, place: int) -> str | None:
        """Return the name of the function that gives the parameter of a type in this place."""
        with self._lock:
            known = self._functions.get((type_, place))
            if known is None and len(self._functions) < _TYPES:
                known = f"parameter_{secrets.token_hex(8)}"  # nobody can guess it
                self._context.register_udf(udf(self._giving(place, type_), [pa.int64()], type_, "volatile", known))
                self._functions[type_, place] = known
            return known

    def _giving(self, place: int, type_: pa.DataType) -> Callable[[pa.Array], pa.Array]:
        values = self._values

        def give(number: pa.Array) -> pa.Array:
            if not len(number):  # asked for a batch without rows, as of a table none of whose files is read
                return pa.array([], type_)
            return values[number[0].as_py()].arrays[place]

        return give


def _is_repeatable(plan: ExecutionPlan) -> bool:
    """Whether a plan gives the same rows each time, in one partition."""
    return plan.partition_count == 1 and all(map(_begins_anew, _operators(plan)))


def _operators(plan: ExecutionPlan) -> Iterator[str]:
    yield plan.display()
    for child in plan.children():
        yield from _operators(child)


def _begins_anew(operator: str) -> bool:
    return _name(operator) in _REPEATABLE and _FIRST_ROWS not in operator and _FILTERED not in operator


def _name(operator: str) -> str:
    return operator.partition(":")[0].strip()
