"""Rows of every width through the compiled filter: kernels take them in packs, whose ends lie elsewhere for each."""

from __future__ import annotations

import op_formulas
import pytest
import torch

from nada import ops

TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0])
SIDES = [(1, 1), (1, 3), (2, 1), (0, 0), (20, 5), (40, 3), (5, 40), (-3, -2)]  # pixels on the left and on the right


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("down", [1, 2, 3])
@pytest.mark.parametrize("sides", SIDES, ids=str)
def test_rows_of_every_width(sides: tuple[int, int], down: int, dtype: torch.dtype, compiled: None) -> None:
    """Catches a pack that takes numbers of the next row for its own, or loses some of its row's. Whole numbers: all exact."""
    for width in range(18, 72):
        x = torch.randint(1, 9, (1, 2, 5, width), generator=torch.Generator().manual_seed(width))
        expected = op_formulas.upfirdn(x.double(), TAPS.double(), 1, down, (*sides, 2, 1), True, 1.0)
        found = ops.upfirdn2d(x.to(dtype), TAPS, 1, down, (*sides, 2, 1), flip_filter=True)
        assert torch.equal(found.double(), expected.to(dtype).double()), width
