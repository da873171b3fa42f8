"""Both bodies of the operators against values of the reference implementations (golden/ops.npz)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from nada import ops

ARRAYS = dict(np.load(Path(__file__).parent.parent / "golden" / "ops.npz"))
CASES = json.loads(bytes(ARRAYS["cases"]).decode())


def tensors(case: dict, device: str) -> dict[str, torch.Tensor]:
    prefix = f"{case['op']}_{case['id']}_"
    return {
        key[len(prefix) :]: torch.from_numpy(value).to(device) for key, value in ARRAYS.items() if key.startswith(prefix)
    }


def compute(case: dict, given: dict[str, torch.Tensor], separable: bool) -> torch.Tensor:
    if case["op"] == "upfirdn2d":
        sides = case["padding_left_right_top_bottom"]
        return ops.upfirdn2d(given["x"], given["f"], case["up"], case["down"], sides, case["flip_filter"], case["gain"])
    if case["op"] == "bias_act":
        return ops.bias_act(given["x"], given["b"], case["act"], case["alpha"], case["gain"], case["clamp"])
    taps = case["resample_filter"]
    kernel = None if taps is None else ops.setup_filter(taps, separable=separable).to(given["x"].device)
    return ops.modulated_conv2d(
        given["x"], given["w"], given["s"], given.get("noise"), case["up"], kernel, case["demodulate"], case["flip_weight"]
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['op']}-{case['id']}")
def test_operator_agrees_with_the_reference(case: dict, body) -> None:
    """Catches what both bodies and our own formulas might have wrong alike: the published networks compute otherwise."""
    given = tensors(case, body.device)
    expected = given["y"]
    for separable in (False, True):
        if given["x"].ndim == 4:
            given["x"] = given["x"].contiguous(memory_format=torch.channels_last if separable else torch.contiguous_format)
        result = compute(case, given, separable)
        assert result.shape == expected.shape
        assert (result - expected).abs().max() < 1e-5 * expected.abs().max()
