"""Costs that describe what was measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gateway.calibration.joins import MeasuredJoin

JOIN_COSTS = ("hash_build_row", "hash_build_byte", "hash_probe_row", "output_row", "output_byte")
LEAST = 0.01  # nanoseconds: nothing costs nothing


def fitted(joins: Sequence[MeasuredJoin]) -> dict[str, float]:
    """Return the costs of hash joins, fitted such that the relative errors are small; what takes a join of any size is
    fitted with them, and left out. None of them is below `LEAST`.
    """
    weights = 1 / np.array([max(one.nanoseconds, 1.0) for one in joins])
    terms = np.array(
        [
            (
                *(one.build_rows, one.build_rows * one.build_width, one.probe_rows),
                *(one.rows, one.rows * one.width, 1.0),
            )
            for one in joins
        ]
    )
    found = _not_negative(terms * weights[:, None], np.ones(len(joins)))
    return {name: max(LEAST, float(value)) for name, value in zip(JOIN_COSTS, found, strict=False)}


def relative_error(joins: Sequence[MeasuredJoin], costs: Sequence[float]) -> float:
    """Return how far costs, in the order of `JOIN_COSTS`, are from what was measured: the root of the mean squared
    relative error.
    """
    row, byte, probe, out, out_byte = costs
    told = [
        one.build_rows * (row + byte * one.build_width)
        + one.probe_rows * probe
        + one.rows * (out + out_byte * one.width)
        for one in joins
    ]
    errors = [cost / max(one.nanoseconds, 1.0) - 1 for cost, one in zip(told, joins, strict=True)]
    return float(np.sqrt(np.mean(np.square(errors))))


def _not_negative(terms: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the least squares with no negative weight: terms that would get one are left out, the worst first."""
    kept = [*range(terms.shape[1])]
    found = np.zeros(terms.shape[1])
    while kept:
        part = np.linalg.lstsq(terms[:, kept], wanted, rcond=None)[0]
        if part.min() >= 0:
            found[kept] = part
            break
        kept.pop(int(part.argmin()))
    return found
