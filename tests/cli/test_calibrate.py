"""``lakegate calibrate`` measures costs, writes them where the gateway reads them, and plans are chosen by them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from gateway.calibration.fit import JOIN_COSTS, fitted, relative_error
from gateway.calibration.joins import MeasuredJoin
from gateway.cli.calibrate import with_section
from gateway.configuration.config import ConfigError, load
from optimizer.cost import Costs
from tests.cli.command import lakegate
from tests.gateway import RunningGateway, SampleLake, Settings, serving, write_config

JOINED = """SELECT count(*) FROM sales.orders JOIN crm.customer ON c_custkey = o_custkey
JOIN sales.lineitem ON l_orderkey = o_orderkey"""


def test_costs_are_found_again() -> None:
    wanted = {
        "hash_build_row": 5.0,
        "hash_build_byte": 0.5,
        "hash_probe_row": 2.0,
        "output_row": 0.7,
        "output_byte": 0.1,
    }
    numbers = np.random.default_rng(1)
    joins = []
    for _ in range(40):
        build, probe, rows = (float(one) for one in numbers.integers(1_000, 1_000_000, 3))
        wide, width = (float(one) for one in numbers.integers(1, 64, 2))
        took = build * (5.0 + 0.5 * wide) + probe * 2.0 + rows * (0.7 + 0.1 * width) + 50_000.0
        joins.append(MeasuredJoin(build, wide, probe, rows, width, took))
    found = fitted(joins)
    assert found == pytest.approx(wanted, rel=1e-6)
    assert relative_error(joins, [found[name] for name in JOIN_COSTS]) < 0.1


def test_the_section_is_put_in_its_place() -> None:
    text = '[server]\nlisten = "x"\n\n[costs]\nfile_row = 1.0\n# old\n\n[sources.a]\nkind = "files"\n'
    assert with_section(text, "[costs]\nfile_row = 2.0\n") == (
        '[server]\nlisten = "x"\n\n[costs]\nfile_row = 2.0\n\n[sources.a]\nkind = "files"\n'
    )
    assert with_section("[server]\n", "[costs]\nfile_row = 2.0\n") == "[server]\n\n[costs]\nfile_row = 2.0\n"


def test_what_was_measured_is_written(lake: SampleLake, tmp_path: Path) -> None:
    config = write_config(tmp_path, lake, Settings())
    ended = lakegate("calibrate", "--config", str(config), "--scale", "0.02", folder=tmp_path)
    assert ended.code == 0, ended.errors
    assert "[costs]" in ended.output and load(config).costs.known == Costs()
    ended = lakegate("calibrate", "--config", str(config), "--scale", "0.02", "--write", folder=tmp_path)
    assert ended.code == 0, ended.errors
    costs = load(config).costs.known
    measured = costs.changed().keys()
    assert {"hash_probe_row", "compared_pair", "file_row", "remote_row", "remote_row_computed"} <= measured
    assert all(0 < value < 1e6 for value in costs.changed().values())
    assert "remote_key" not in measured
    again = config.read_text(encoding="utf-8")
    assert again.count("[costs]") == 1


def test_costs_that_are_none_are_refused(lake: SampleLake, tmp_path: Path) -> None:
    config = write_config(tmp_path, lake, Settings(costs={"hash_build_row": 0, "hash_built_row": 1.0}))
    with pytest.raises(ConfigError) as refused:
        load(config)
    assert "costs.hash_build_row" in str(refused.value) and "costs.hash_built_row: unknown key" in str(refused.value)


def test_plans_are_chosen_by_them(lake: SampleLake, gateway: RunningGateway) -> None:
    settings = Settings(server={"refresh_interval": "0"}, costs={"hash_probe_row": 230.0, "file_row": 11.5})
    with serving(lake, settings) as other:
        usual, told = _explained(gateway), _explained(other)
    assert "Costs:" not in usual
    assert "Costs: hash_probe_row = 230 ns, file_row = 11.5 ns" in told
    assert _cost(told) > 5 * _cost(usual)


def _explained(gateway: RunningGateway) -> str:
    with gateway.connect() as connection:
        rows = connection.execute(f"EXPLAIN (VERBOSE, SETTINGS) {JOINED}".encode()).fetchall()
    return "\n".join(str(line) for (line,) in rows)


def _cost(told: str) -> float:
    found = re.search(r"Join order: .*\(cost ([0-9.,]+) ms", told)
    assert found is not None, told
    return float(found[1].replace(",", ""))
