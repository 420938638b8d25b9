"""Connections of one source under other logins than the gateway's: a pool for each, few of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection

from catalog.remote_logins import RemoteLogin
from connectors.postgres.connections import ConnectionPool
from connectors.postgres.settings import login_conninfo

MOST_LOGINS = 16  # that have idle connections at one time; the one that was used longest ago gives way
_MOST_IDLE = 2  # connections of each: a source's limit is for all clients together


class LoginPools:
    """The pools of one source by login. Safe for several threads."""

    def __init__(self, source: str, conninfo: str) -> None:
        self._source, self._conninfo = source, conninfo
        self._pools: OrderedDict[RemoteLogin, ConnectionPool] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = False

    def pool(self, login: RemoteLogin) -> ConnectionPool:
        """Return the pool of a login. One that is closed meanwhile still gives connections, and keeps none."""
        surplus = []
        with self._lock:
            pool = self._pools.get(login)
            if pool is None:
                conninfo = login_conninfo(self._conninfo, login)
                pool = self._pools[login] = ConnectionPool(self._source, conninfo, _MOST_IDLE, is_mapped=True)
                if self._closed:
                    pool.close()
            self._pools.move_to_end(login)
            while len(self._pools) > MOST_LOGINS:
                surplus.append(self._pools.popitem(last=False)[1])
        for each in surplus:
            each.close()
        return pool

    def keep_only(self, logins: Collection[RemoteLogin]) -> None:
        """Close the pools of all other logins; connections in use are closed when they are released."""
        with self._lock:
            gone = [self._pools.pop(login) for login in [*self._pools] if login not in logins]
        for pool in gone:
            pool.close()

    def close(self) -> None:
        """Close all pools."""
        with self._lock:
            self._closed = True
        self.keep_only(())
