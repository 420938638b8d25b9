"""What is known of a statement that a session has executed before, and will execute again with other values: of a whole
statement, which a source's server answers, and of a light one over rows in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from catalog.tables import Table
from gateway.lanes.session_settings import Settings
from gateway.pipeline import Plan
from gateway.relay.source_connection import Execution
from gateway.relay.source_lease import Place
from gateway.relay.source_relay import Asked
from gateway.values.parameters import decode_parameter, is_surely_valid
from gateway.values.rows import RowEncoder
from gateway.wire import frontend
from gateway.wire.bound_values import BoundValues
from optimizer.stages import Fragmented


@dataclass(frozen=True, slots=True)
class Again:
    """A whole statement under names that mean the same (`gateway.lanes.prepared.LastTime` has it): it counts as long as
    the session's settings and the logins of sources are these very objects, and for messages of these formats. ``told``
    is the description of its columns, ``told_bound`` the same behind BindComplete; ``read`` are the tables it was
    planned for and the policies it is under.
    """

    settings: Settings
    logins: object
    asked: Asked
    parameter_formats: tuple[int, ...]  # as the client writes them
    result_formats: tuple[int, ...]
    plan: Plan
    told: bytes
    told_bound: bytes
    read: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    fragmented: Fragmented
    place: Place  # where the server is asked
    values: BoundValues  # as the client sends them at once

    def takes(self, message: frontend.Bind) -> bool:
        """Whether the values of a message are such as a source's server may be the only one to read, in the formats of
        the last time.
        """
        if message.result_formats != self.result_formats or message.parameter_formats != self.parameter_formats:
            return False
        return self._takes(message.parameters)

    def takes_texts(self, values: Sequence[bytes]) -> bool:
        """As `takes`, for values that come by themselves, as texts."""
        return not (self.parameter_formats or self.result_formats) and self._takes(values)

    def takes_raw(self, raw: bytes) -> bool:
        """As `takes`, for values as a Bind message has them."""
        values, known = self.values.split(raw), self.asked.execution  # which are as many
        if values is None:
            return False
        if len(values) == 1:  # mostly
            return is_surely_valid(values[0], known.oids[0], known.formats[0])
        return all(map(is_surely_valid, values, known.oids, known.formats))

    def _takes(self, values: Sequence[bytes | None]) -> bool:
        known = self.asked.execution
        return len(values) == len(known.oids) and all(map(is_surely_valid, values, known.oids, known.formats))

    def execution(self, values: tuple[bytes | None, ...]) -> Execution:
        """Return the statement with these values."""
        known = self.asked.execution
        return Execution(known.sql, known.oids, known.formats, values, known.result_formats)


@dataclass(frozen=True, slots=True)
class LightAgain:
    """A light statement under names that mean the same, as `Again` is a whole one. ``oids`` and ``formats`` are those
    of its parameters, ``encoder`` makes the encoder of its rows.
    """

    settings: Settings
    plan: Plan
    oids: tuple[int, ...]
    formats: tuple[int, ...]
    told: bytes
    read: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    tables: tuple[Table, ...]
    encoder: Callable[[pa.Schema], RowEncoder]
    values: BoundValues

    def parameters(self, raw: bytes) -> tuple[pa.Scalar, ...] | None:
        """Return values that a Bind message has; None where they are not such as are surely read without an error, or
        one is NULL.
        """
        values = self.values.split(raw)
        if values is None or None in values or not all(map(is_surely_valid, values, self.oids, self.formats)):
            return None
        reading = self.settings.output.reading
        found = zip(values, self.oids, self.formats, strict=True)
        return tuple([decode_parameter(value, oid, form, reading) for value, oid, form in found])
