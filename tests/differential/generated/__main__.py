"""A long run: ``python -m tests.differential.generated --minutes 60 --seed monday``.

Prints what was asked, and each difference cut down to a small statement. ``--workers`` processes ask ``--gateways``
gateways, in turn.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import tempfile
import time
from collections import Counter
from itertools import cycle
from pathlib import Path

from catalog import server as servers
from tests.differential.generated.run import Difference, Report, catalogue_of, run_block
from tests.differential.generated.servers import empty_lake, paired, served
from tests.gateway import RunningGateway, make_users


def main() -> None:
    """Run, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", default=time.strftime("%Y-%m-%d"))
    parser.add_argument("--gateways", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--workers", type=int, help="two for each gateway unless given")
    parser.add_argument("--out", type=Path, help="a file to which differences are added as they are found")
    parser.add_argument("--known", action="store_true", help="tell known differences, too, some of each kind")
    parser.add_argument("--log", type=Path, help="where to keep the gateway's log")
    given = parser.parse_args()
    given.workers = given.workers or 2 * given.gateways
    folder = Path(tempfile.mkdtemp(prefix="generated-"))
    folder.chmod(0o711)  # PostgreSQL does not run as root: its account must get through
    server = servers.start(folder / "metadata", lasting=False)
    try:
        make_users(server)
        with served(empty_lake(folder, server), given.gateways) as (dsn, gateways):
            try:
                _run(given, dsn, gateways)
            finally:
                if given.log is not None:
                    given.log.write_text("".join(one.log.read_text(encoding="utf-8") for one in gateways))
    finally:
        server.stop()
        servers.remove(folder / "metadata")
        shutil.rmtree(folder)


def _run(given: argparse.Namespace, dsn: str, gateways: list[RunningGateway]) -> None:
    started = time.monotonic()
    with multiprocessing.Pool(given.workers) as pool:
        tasks = [
            (given, number, dsn, asked.dsn())
            for number, asked in zip(range(given.workers), cycle(gateways), strict=False)
        ]
        reports = pool.starmap(_work, tasks)
    seconds = time.monotonic() - started
    print(f"processor time of the workers: {', '.join(f'{report.seconds:.0f} s' for report in reports)}")
    print(f"processor time of the gateways: {', '.join(f'{one.cpu_seconds():.0f} s' for one in gateways)}")
    verdicts: Counter[str] = Counter()
    shapes: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    states: Counter[str] = Counter()
    known: Counter[str] = Counter()
    more: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for report in reports:
        verdicts += report.verdicts
        shapes += report.shapes
        refusals += report.refusals
        states += report.states
        known += report.known
        more += report.more
        examples |= report.examples
    texts, asked = sum(report.texts for report in reports), verdicts.total()
    print(f"{texts} statements in {seconds:.0f} s, {texts / seconds * 3600:.0f} an hour, executed {asked} times")
    for title, counts in (
        ("verdicts", verdicts),
        ("known differences", known),
        ("further differences of causes told above", more),
        ("shapes", shapes),
        ("SQLSTATE of both", states),
    ):
        print(f"\n{title}\n" + "\n".join(f"{count:8} {name}" for name, count in sorted(counts.items())))
    print(
        "\nrefused\n"
        + "\n".join(f"{count:8} {name}\n         {examples[name][:400]}" for name, count in refusals.most_common())
    )


def _work(given: argparse.Namespace, number: int, postgres: str, gateway: str) -> Report:
    end = time.monotonic() + given.minutes * 60
    report = Report(found=lambda difference: _keep(difference, given.out), shows_known=given.known)
    catalogue = catalogue_of(postgres)
    with paired(postgres, gateway) as pair:
        while time.monotonic() < end:
            run_block(pair, catalogue, f"{given.seed}/{number}", report, lambda: time.monotonic() < end)
            number += given.workers
    report.seconds = time.process_time()
    report.found = None  # which cannot be sent to another process
    return report


def _keep(difference: Difference, out: Path | None) -> None:
    print(difference, flush=True)
    if out is not None:
        with out.open("a", encoding="utf-8") as file:
            file.write(f"{difference}\n\n")


if __name__ == "__main__":
    main()
