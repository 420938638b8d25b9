"""How the texts of policies become trees, and the governed relations that were made of them before."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import LRUCache
from sqlglot import exp

from catalog.principals import Principal
from catalog.store.rows import MaskingPolicy, ViewRow
from optimizer.stages import Governed, Resolved
from policies.lineage import Lineage


class KeptRelations:
    """Governed relations by all that they depend on. Safe for use by several threads."""

    def __init__(self, size: int = 10_000) -> None:
        self._kept: LRUCache[object, Governed] = LRUCache(size)
        self._lock = threading.Lock()

    def get(self, key: object) -> Governed | None:
        """Return the relation of that key, or None."""
        with self._lock:
            return self._kept.get(key)

    def keep(self, key: object, relation: Governed) -> None:
        """Keep a relation."""
        with self._lock:
            self._kept[key] = relation


@dataclass(frozen=True, slots=True)
class PolicyReader:
    """Reads policies for one statement.

    ``parse`` reads an expression, ``resolve`` gives the query that a policy's table became its names, as the principal
    may see them. ``parse_mask`` reads a masking policy, the masks of the library in it spelt out. ``version`` is the
    catalogue's, and part of the key of kept relations. ``resolve_view`` gives the query of a view its names, for who
    asks (``current_user``), and ``of_role`` is the reader of what is read with another role's rights. ``lineage`` tells
    what the columns of a view are made of, whoever asks.
    """

    parse: Callable[[str], exp.Expr]
    parse_mask: Callable[[MaskingPolicy], exp.Expr]
    resolve: Callable[[exp.Select], Resolved]
    resolve_view: Callable[[ViewRow, Principal], Resolved]
    of_role: Callable[[Principal], PolicyReader]
    lineage: Callable[[ViewRow], Lineage]
    version: int
    kept: KeptRelations
