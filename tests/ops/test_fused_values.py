"""Values and first derivatives of the operators' two bodies against plain formulas in float64."""

from __future__ import annotations

import pytest
import torch
from op_measures import LIMITS, measured, off
from operator_cases import CASES, Case

from nada import ops

BOTH_ORDERS = (False, True)
IDS = [case.name.replace(" ", "-") for case in CASES]


def keeps_order(case: Case) -> bool:
    """Whether the result has the channels last if they were; a picture never has."""
    maps = case.face != "to_rgb" and case.tensors["x"].ndim == 4 and case.options.get("dim", 1) == 1
    return maps and case.tensors.get("kernel", maps) is not None


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_values_and_gradients_are_the_formulas(case: Case, dtype: torch.dtype, body) -> None:
    """Catches a wrong index, sum, layout, padding, clamp or factor in either body or in its derivative."""
    for last in BOTH_ORDERS:
        given = case.given(dtype, last, body.device)
        found, truth = measured(case, given, last)
        assert found.keys() == truth.keys()
        for name, value in found.items():
            assert value.shape == truth[name].shape and value.dtype == given.get(name, given["x"]).dtype, name
            assert off(value, truth[name]) < LIMITS[dtype], f"{name}, channels_last={last}"
        if last and body.name == "compiled" and keeps_order(case):
            assert found["y"].is_contiguous(memory_format=torch.channels_last), "the order of memory was lost"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_half_precision_is_no_worse_than_the_twins(case: Case, dtype: torch.dtype, body) -> None:
    """Catches a body that computes in its storage type, and one that rounds more often than once, or not to the nearest."""
    for last in BOTH_ORDERS:
        given = case.given(dtype, last, body.device)
        found, truth = measured(case, given, last)
        if body.name == "compiled" and case.face not in ("to_rgb", "styled_conv2d"):  # a float32 picture; torch's rounding
            assert (found["y"] == truth["y"].to(dtype)).double().mean() > 0.98
        with ops.bodies("reference"):
            twin, _ = measured(case, given, last)
        for name, value in found.items():
            assert off(value, truth[name]) < LIMITS[dtype] * (1 if body.name == "compiled" else 8), name
            ours, theirs = (off(result[name], truth[name], 2) for result in (found, twin))
            room = LIMITS[dtype] / (2 if name == "factors" else 8)  # theirs are found from the result, which is rounded
            assert ours < 1.5 * theirs + room, f"{name}: {ours:.1e} from the truth, its twin {theirs:.1e}"
