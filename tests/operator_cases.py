"""The operators' cases: every argument off its default, sizes that no vector, run or task divides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import op_truths as truths
import torch
from op_formulas import gaussian
from torch import Tensor

from nada import ops

CONSTANTS = ("kernel", "taps", "resample_filter")  # that no derivative is asked of
_PUBLISHED = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
_UNEVEN = torch.tensor([0.5, 2.0, -1.0])


@dataclass(frozen=True)
class Case:
    """One call: a face of `nada.ops`, its tensors in float64, its other arguments, and the formula it shall agree with."""

    name: str
    face: str
    truth: Callable[..., Tensor]
    tensors: dict[str, Tensor | None]
    options: dict[str, Any]

    def given(self, dtype: torch.dtype, last: bool = False, device: str = "cpu") -> dict[str, Tensor | None]:
        """Return the tensors as a network has them: maps in `dtype`, the others in float32, or float64 beside it."""
        side = torch.float64 if dtype == torch.float64 else torch.float32
        result = {
            name: None if value is None else value.to(device, dtype if name == "x" else side)
            for name, value in self.tensors.items()
        }
        if last and result["x"].ndim == 4:
            result["x"] = result["x"].contiguous(memory_format=torch.channels_last)
        return result

    def call(self, tensors: dict[str, Tensor]) -> Tensor:
        """Call the face, by whatever bodies are at work."""
        return getattr(ops, self.face)(**tensors, **self.options)


def _sides(shape: tuple[int, ...], out: tuple[int, int], noise: int) -> dict[str, Tensor]:
    """Factors, noise, strength and bias; noise for the batch (1), for each sample (2), or as one plane (0)."""
    n, c = shape[:2]
    where = {0: out, 1: (1, 1, *out), 2: (n, 1, *out)}[noise]
    return {
        "factors": gaussian((n, c), 3).abs() + 0.5,
        "noise": gaussian(where, 4),
        "strength": torch.tensor(0.3, dtype=torch.float64),
        "bias": gaussian((c,), 5),
    }


def _bias_act(name: str, shape: tuple[int, ...], bias: bool = True, dim: int = 1, **options: Any) -> Case:
    tensors = {"x": gaussian(shape, 1)} | ({"bias": gaussian((shape[dim],), 2)} if bias else {})
    return Case(f"bias_act {name}", "bias_act", truths.bias_act, tensors, {"dim": dim, **options})


def _upfirdn(name: str, shape: tuple[int, ...], kernel: Tensor | None, **options: Any) -> Case:
    tensors = {"x": gaussian(shape, 1), "kernel": None if kernel is None else kernel.double()}
    options = {"gain": 1.5, **options}
    return Case(f"upfirdn2d {name}", "upfirdn2d", truths.upfirdn2d, tensors, options)


def _epilogue(name: str, shape: tuple[int, ...], noise: int = 2, without: tuple[str, ...] = (), **options: Any) -> Case:
    tensors = {"x": gaussian(shape, 1), **_sides(shape, shape[2:], noise)}
    tensors = {key: value for key, value in tensors.items() if key not in without}
    return Case(f"epilogue {name}", "styled_epilogue", truths.epilogue, tensors, {"gain": 1.4, **options})


def _filtered(name: str, shape: tuple[int, ...], taps: Tensor, padding: Any, noise: int = 2, **options: Any) -> Case:
    left, right, top, bottom = truths.four(padding)
    out = (shape[2] + top + bottom - len(taps) + 1, shape[3] + left + right - len(taps) + 1)
    tensors = {"x": gaussian(shape, 1), "taps": taps.double(), **_sides(shape, out, noise)}
    options = {"padding": padding, "filter_gain": 2.0, "gain": 1.4, **options}
    return Case(f"filtered {name}", "filtered_epilogue", truths.filtered, tensors, options)


def _to_rgb(name: str, shape: tuple[int, ...], pictures: int, taps: Tensor | None, clamp: float | None = 1.0) -> Case:
    n, c, h, w = shape
    tensors = {"x": gaussian(shape, 1), "weight": gaussian((n, pictures, c), 2) / c**0.5, "bias": gaussian((pictures,), 3)}
    if taps is not None:
        tensors |= {"skip": gaussian((n, pictures, h // 2, w // 2), 4), "taps": taps.double()}
    return Case(f"to_rgb {name}", "to_rgb", truths.to_rgb, tensors, {"clamp": clamp})


def _layer(name: str, shape: tuple[int, ...], out: int, size: int, up: int = 1, noise: int = 2, **options: Any) -> Case:
    n, c, h, w = shape
    sides = _sides((n, out, h, w), (h * up, w * up), noise)
    tensors = {"x": gaussian(shape, 1), "weight": gaussian((out, c, size, size), 2)}
    tensors |= {"styles": gaussian((n, c), 3).abs() + 0.5}
    tensors |= {key: sides[key] for key in ("noise", "strength", "bias")}
    if up == 2:
        tensors["resample_filter"] = _PUBLISHED.double()
    options = {"up": up, "gain": 1.3, "alpha": 0.1, **options}
    return Case(f"styled_conv2d {name}", "styled_conv2d", truths.styled_conv2d, tensors, options)


ODD, RUNS, WIDE, ONE = (2, 5, 7, 9), (1, 5, 23, 31), (1, 600, 5, 4), (3, 1, 1, 1)
MANY = (1, 2, 190, 180)  # more than one task of a plane

BIAS_ACTS = [
    *(_bias_act(act, ODD, act=act, gain=0.8, clamp=0.7) for act in truths.NAMES),
    *(_bias_act(f"{act}, defaults", ODD, act=act) for act in ("relu", "lrelu", "swish")),
    _bias_act("alpha", ODD, act="lrelu", alpha=0.7, gain=-1.3),
    _bias_act("no bias", RUNS, bias=False, act="swish", clamp=0.9),
    _bias_act("many runs", RUNS, act="lrelu", clamp=0.9),
    _bias_act("many channels", WIDE, act="softplus", gain=2.0),
    _bias_act("many tasks", MANY, act="tanh"),
    _bias_act("one of each", ONE, act="elu"),
    _bias_act("rows", (7, 13), act="lrelu", clamp=0.9),
    _bias_act("first dimension", (5, 3, 4), act="swish", dim=0),
    _bias_act("last dimension", (3, 4, 2, 5), act="selu", dim=-1),
    _bias_act("a third dimension", (2, 3, 7, 5), act="sigmoid", dim=2, gain=3.0, clamp=1.6),
    _bias_act("five dimensions", (2, 3, 2, 2, 3), act="lrelu", gain=0.5),
    _bias_act("one dimension", (11,), act="tanh", dim=0),
]

_MATRIX = gaussian((3, 4), 6)
_LONG = torch.linspace(-1, 2, 9)
UPFIRDNS = [
    *(
        _upfirdn(f"up {up} down {down}", ODD, _MATRIX, up=up, down=down, padding=(2, 1, 3, 0), flip_filter=up == down)
        for up in (1, 2, 3)
        for down in (1, 2, 3)
    ),
    *(
        _upfirdn(f"{count} taps, up {up} down {down}", RUNS, _LONG[:count], up=up, down=down, padding=count - 1)
        for count, up, down in ((1, 2, 1), (2, 1, 2), (4, 2, 1), (4, 1, 2), (5, 3, 2), (9, 1, 1), (9, 2, 3))
    ),
    _upfirdn("rank one", ODD, torch.outer(_PUBLISHED, _UNEVEN), up=2, padding=(2, 1)),
    _upfirdn("no filter", ODD, None, up=3, down=2, padding=(1, -1, 2, 0)),
    _upfirdn("cropped", ODD, _UNEVEN, up=2, padding=(-3, 1, 2, -5), flip_filter=True),
    _upfirdn("cropped, a matrix", ODD, _MATRIX, down=2, padding=(-1, -2, -1, 0)),
    _upfirdn("nothing but padding in sight", ODD, _UNEVEN, padding=(6, 5, 4, 9)),
    _upfirdn("many channels", WIDE, _PUBLISHED, down=2, padding=(1, 1)),
    _upfirdn("one of each", ONE, _PUBLISHED, up=2, padding=(2, 1)),
    _upfirdn("many tasks", MANY, _PUBLISHED, up=2, padding=(2, 1)),
    _upfirdn("a row", ODD, torch.tensor([[1.0, -2.0, 0.5]]), padding=(1, 1, 0, 0)),
    _upfirdn("zeros", ODD, torch.zeros(3, 3), padding=1),
]

EPILOGUES = [
    _epilogue("clamped", ODD, clamp=0.9),
    _epilogue("shared noise", ODD, noise=1, alpha=0.5),
    _epilogue("plane of noise", ODD, noise=0, clamp=0.9, gain=0.7),
    _epilogue("linear", ODD, alpha=1.0, clamp=0.9),
    _epilogue("steep", ODD, alpha=1.5),
    _epilogue("nothing", ODD, without=("factors", "noise", "strength", "bias")),
    _epilogue("noise of full strength", ODD, without=("factors", "strength", "bias"), clamp=0.9),
    _epilogue("no noise", ODD, without=("noise", "strength")),
    _epilogue("many runs", RUNS, clamp=0.9),
    _epilogue("many channels", WIDE, noise=1),
    _epilogue("many tasks", MANY, clamp=0.9),
    _epilogue("one of each", ONE),
]

FILTEREDS = [
    _filtered("published", ODD, _PUBLISHED, 1, clamp=0.9),
    _filtered("shared noise", ODD, _PUBLISHED, (2, 1), noise=1, alpha=0.5),
    _filtered("plane of noise, flipped", ODD, _UNEVEN, (2, 0, 1, 3), noise=0, flip_filter=True),
    _filtered("cropped", ODD, _UNEVEN, (-1, 2, 3, -2), clamp=0.9),
    _filtered("one tap", ODD, torch.tensor([0.7]), 0),
    _filtered("nine taps", RUNS, _LONG, (4, 5, 8, 0), flip_filter=True, clamp=0.9),
    _filtered("many channels", WIDE, _PUBLISHED, 1),
    _filtered("many tasks", MANY, _PUBLISHED, 1, clamp=0.9),
    _filtered("one of each", ONE, _PUBLISHED, 2),
    _filtered("all there is", (2, 3, 4, 4), _PUBLISHED, 0),
]

TO_RGBS = [
    *(_to_rgb(f"{count} channels", (2, 5, 6, 10), count, _PUBLISHED) for count in (1, 2, 3, 4)),
    _to_rgb("no bound", (2, 5, 6, 10), 3, _UNEVEN, None),
    _to_rgb("no smaller picture", ODD, 3, None),
    _to_rgb("nine taps", (1, 5, 24, 32), 3, _LONG),
    _to_rgb("one tap", (2, 7, 4, 4), 3, torch.tensor([0.6])),
    _to_rgb("many channels", (1, 600, 6, 4), 3, _PUBLISHED),
    _to_rgb("many tasks", (1, 3, 180, 190), 3, _PUBLISHED, 0.9),
    _to_rgb("one of each", ONE, 1, None, None),
]

LAYERS = [
    _layer("same size", (2, 4, 5, 7), 3, 3, clamp=0.9),
    _layer("twice the size", (2, 4, 5, 3), 3, 3, up=2, clamp=0.9),
    _layer("flipped", (2, 4, 5, 7), 3, 3, flip_weight=False, noise=1),
    _layer("flipped, twice the size", (2, 4, 3, 4), 3, 3, up=2, flip_weight=False, noise=0),
    _layer("not demodulated", (2, 4, 5, 7), 3, 1, demodulate=False),
    _layer("five by five", (2, 4, 5, 6), 3, 5, up=2, demodulate=False),
]

_TINY = (1, 2, 3, 2)
FEW = [
    *(_bias_act(f"{act}, few", _TINY, act=act, gain=0.8, clamp=0.7) for act in truths.NAMES),
    _upfirdn("few", _TINY, _MATRIX, up=2, down=3, padding=(2, 1, 3, 0)),
    _epilogue("few", _TINY, noise=1, clamp=0.9),
    _filtered("few", _TINY, _UNEVEN, (2, 1, 0, 1), noise=0, clamp=0.9),
    _to_rgb("few", (1, 2, 2, 4), 2, _UNEVEN, 0.6),
    _layer("few", _TINY, 2, 3, up=2, clamp=0.9),
]

_LARGE = (3, 6, 96, 100)  # enough for every thread to have some of it
LARGE = [
    _bias_act("large", _LARGE, act="swish", clamp=0.9),
    _bias_act("large, rows", (900, 70), act="lrelu"),
    _upfirdn("large", _LARGE, _PUBLISHED, up=2, padding=(2, 1)),
    _upfirdn("large, a matrix", _LARGE, _MATRIX, down=2, padding=1),
    _epilogue("large", _LARGE, clamp=0.9),
    _filtered("large", _LARGE, _PUBLISHED, 1, clamp=0.9),
    _to_rgb("large", _LARGE, 3, _PUBLISHED),
]

CASES = [*BIAS_ACTS, *UPFIRDNS, *EPILOGUES, *FILTEREDS, *TO_RGBS, *LAYERS]
