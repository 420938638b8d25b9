"""Looks at tables' versions are shared by statements that wait for them, and never older than the statement."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
import pytest

from catalog.errors import SqlError
from catalog.names import TableName
from catalog.scans import Snapshot
from catalog.sqlstate import SqlState
from catalog.tables import Column, Table
from gateway.versions_at_once import VersionsAtOnce


def table(source: str, name: str) -> Table:
    return Table(TableName(source, name), source, "files", (name,), (Column("n", "bigint", pa.int64()),))


NEAR, OTHER, FAR = table("near", "t"), table("near", "other"), table("far", "t")


class Store:
    """Tables whose version is how often they were looked at, of which one source answers when it is let."""

    def __init__(self) -> None:
        self.looks = 0
        self.asked = threading.Semaphore(0)
        self.let = threading.Semaphore(0)

    def pin(self, tables: Sequence[Table]) -> Mapping[TableName, Snapshot]:
        if tables[0].source == "far":
            self.asked.release()
            self.let.acquire()
        self.looks += 1
        if tables[0] is OTHER:
            raise SqlError(SqlState.UNDEFINED_FILE, "gone")
        return {one.name: Snapshot(one, str(self.looks)) for one in tables}


def run(work: Callable[[Store, VersionsAtOnce], object]) -> None:
    async def main() -> None:
        store = Store()
        versions = VersionsAtOnce(store.pin)
        try:
            await asyncio.wait_for(work(store, versions), 30)  # type: ignore[arg-type]
        finally:
            store.let.release(100)
            versions.close()

    asyncio.run(main())


def test_who_comes_while_a_look_is_under_way_has_the_next_one() -> None:
    async def work(store: Store, versions: VersionsAtOnce) -> None:
        first = asyncio.ensure_future(versions.of([FAR]))
        await asyncio.to_thread(store.asked.acquire)
        same = [FAR]
        later = [asyncio.ensure_future(versions.of(same)) for _ in range(5)]
        await asyncio.sleep(0)
        store.let.release()
        assert (await first)[FAR.name].version == "1"
        await asyncio.to_thread(store.asked.acquire)
        store.let.release(5)
        found = await asyncio.gather(*later)
        assert [one[FAR.name].version for one in found] == ["2"] * 5
        assert (await versions.of([FAR]))[FAR.name].version == "3"

    run(work)


def test_a_source_that_is_slow_holds_up_no_other() -> None:
    async def work(store: Store, versions: VersionsAtOnce) -> None:
        slow = asyncio.ensure_future(versions.of([FAR]))
        await asyncio.to_thread(store.asked.acquire)
        assert (await versions.of([NEAR]))[NEAR.name].version == "1"
        assert not slow.done()
        store.let.release()
        assert (await slow)[FAR.name].version == "2"

    run(work)


def test_a_failure_is_told_to_who_asked() -> None:
    async def work(_store: Store, versions: VersionsAtOnce) -> None:
        good, bad, again = await asyncio.gather(
            versions.of([NEAR]), versions.of([OTHER]), versions.of([OTHER]), return_exceptions=True
        )
        assert isinstance(good, Mapping)
        assert isinstance(bad, SqlError)
        assert isinstance(again, SqlError)
        assert bad.message == again.message == "gone"
        assert bad is not again

    run(work)


def test_who_waits_no_longer_holds_up_nobody() -> None:
    async def work(store: Store, versions: VersionsAtOnce) -> None:
        given_up = asyncio.ensure_future(versions.of([FAR]))
        await asyncio.to_thread(store.asked.acquire)
        given_up.cancel()
        store.let.release(2)
        assert FAR.name in await versions.of([FAR])
        with pytest.raises(asyncio.CancelledError):
            await given_up

    run(work)
