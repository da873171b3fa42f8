"""The Inception network that published FIDs are computed with.

Szegedy et al. 2015, "Rethinking the Inception Architecture for Computer Vision" (arXiv:1512.00567), as TensorFlow
published it on 5 December 2015. It departs from the paper, and from torchvision's network, in three ways: 3 x 3 average
pools do not count their padding, the last mixed block has a maximum pool where the others have averages, and there are
1008 classes, some of which were never used. Parameters have the names of pytorch-fid and torch-fidelity.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

SIZE, WIDTH, CLASSES = 299, 2048, 1008
Kernel = int | tuple[int, int]
Unit = tuple[str, int, Kernel]  # name after "branch", channels, kernel
Step = Unit | tuple[Unit, Unit]  # two units beside each other share their input, and their outputs are joined


class ConvUnit(nn.Module):
    """Convolution without bias, batch normalisation (epsilon 0.001), ReLU."""

    def __init__(self, width: int, out: int, kernel: Kernel, stride: int = 1, padding: Kernel = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, out, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, out, H', W')."""
        return functional.relu(self.bn(self.conv(x)), inplace=True)


class Mixed(nn.Module):
    """Chains of convolutions and a pool on the same input, joined along the channels.

    Args:
        width: channels of the input.
        chains: each a sequence of steps.
        pooled: channels after the pool's own convolution; 0 halves the picture: the last step of each chain and the
            pool then have stride 2 and no padding, and the pool has no convolution.
        pool: "average" or "max"; blocks that halve have "max".
    """

    def __init__(self, width: int, chains: Sequence[Sequence[Step]], pooled: int = 0, pool: str = "average") -> None:
        super().__init__()
        self.pool, self.halves = pool if pooled else "max", not pooled
        self.chains: list[list[list[str]]] = []
        for chain in chains:
            inside, names = width, []
            for number, step in enumerate(chain):
                units = [step] if isinstance(step[0], str) else list(step)
                stride = 2 if self.halves and number == len(chain) - 1 else 1
                names.append([self._add(unit, inside, stride) for unit in units])
                inside = sum(unit[1] for unit in units)
            self.chains.append(names)
        if pooled:
            self.branch_pool = ConvUnit(width, pooled, 1)

    def _add(self, unit: Unit, width: int, stride: int) -> str:
        name, out, kernel = unit
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = 0 if stride == 2 else (sides[0] // 2, sides[1] // 2)
        self.add_module(f"branch{name}", ConvUnit(width, out, kernel, stride, padding))
        return f"branch{name}"

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', H', W')."""
        return torch.cat([*(self._chain(chain, x) for chain in self.chains), self._pooled(x)], 1)

    def _chain(self, chain: list[list[str]], x: Tensor) -> Tensor:
        for names in chain:
            parts = [self.get_submodule(name)(x) for name in names]
            x = parts[0] if len(parts) == 1 else torch.cat(parts, 1)
        return x

    def _pooled(self, x: Tensor) -> Tensor:
        if self.halves:
            return functional.max_pool2d(x, 3, stride=2)
        if self.pool == "max":
            return self.branch_pool(functional.max_pool2d(x, 3, stride=1, padding=1))
        return self.branch_pool(functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False))


def _at_35(width: int, pooled: int) -> Mixed:
    double = [("3x3dbl_1", 64, 1), ("3x3dbl_2", 96, 3), ("3x3dbl_3", 96, 3)]
    return Mixed(width, [[("1x1", 64, 1)], [("5x5_1", 48, 1), ("5x5_2", 64, 5)], double], pooled)


def _at_17(inner: int) -> Mixed:
    across, down = (1, 7), (7, 1)
    single = [("7x7_1", inner, 1), ("7x7_2", inner, across), ("7x7_3", 192, down)]
    double = [("7x7dbl_1", inner, 1), ("7x7dbl_2", inner, down), ("7x7dbl_3", inner, across)]
    double += [("7x7dbl_4", inner, down), ("7x7dbl_5", 192, across)]
    return Mixed(768, [[("1x1", 192, 1)], single, double], 192)


def _at_8(width: int, pool: str) -> Mixed:
    fork = [(f"3x3_2{side}", 384, kernel) for side, kernel in (("a", (1, 3)), ("b", (3, 1)))]
    double_fork = [(f"3x3dbl_3{side}", 384, kernel) for side, kernel in (("a", (1, 3)), ("b", (3, 1)))]
    single = [("3x3_1", 384, 1), tuple(fork)]
    double = [("3x3dbl_1", 448, 1), ("3x3dbl_2", 384, 3), tuple(double_fork)]
    return Mixed(width, [[("1x1", 320, 1)], single, double], 192, pool)


def _to_17() -> Mixed:
    return Mixed(288, [[("3x3", 384, 3)], [("3x3dbl_1", 64, 1), ("3x3dbl_2", 96, 3), ("3x3dbl_3", 96, 3)]])


def _to_8() -> Mixed:
    long = [("7x7x3_1", 192, 1), ("7x7x3_2", 192, (1, 7)), ("7x7x3_3", 192, (7, 1)), ("7x7x3_4", 192, 3)]
    return Mixed(768, [[("3x3_1", 192, 1), ("3x3_2", 320, 3)], long])


class Inception(nn.Module):
    """Pictures `(N, 3, 299, 299)` in about [-1, 1] to the mean of the last feature maps `(N, 2048)`."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = ConvUnit(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = ConvUnit(32, 32, 3)
        self.Conv2d_2b_3x3 = ConvUnit(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = ConvUnit(64, 80, 1)
        self.Conv2d_4a_3x3 = ConvUnit(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = _at_35(192, 32), _at_35(256, 64), _at_35(288, 64)
        self.Mixed_6a = _to_17()
        self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = _at_17(128), _at_17(160), _at_17(160), _at_17(192)
        self.Mixed_7a = _to_8()
        self.Mixed_7b, self.Mixed_7c = _at_8(1280, "average"), _at_8(2048, "max")
        self.fc = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, 299, 299) -> (N, 2048); `fc` is left to those who want classes."""
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = functional.max_pool2d(x, 3, stride=2)
        x = functional.max_pool2d(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)), 3, stride=2)
        x = self.Mixed_6a(self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x))))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(x))))
        return self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x))).mean(dim=(2, 3))
