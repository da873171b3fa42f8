"""Distributions as charts: bins with names, and the bin that every picture falls into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nada.data.inspection.collecting import Collected, Table
from nada.data.inspection.pixels import BACKGROUNDS

MAX_BINS = 250
NONE = 255  # the bin of a picture that has no value
_SIDES = (1, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192)
_RATIOS = {"1:4": 1 / 4, "1:3": 1 / 3, "1:2": 1 / 2, "9:16": 9 / 16, "2:3": 2 / 3, "3:4": 3 / 4, "4:5": 4 / 5, "1:1": 1,
           "5:4": 5 / 4, "4:3": 4 / 3, "3:2": 3 / 2, "16:9": 16 / 9, "2:1": 2, "3:1": 3, "4:1": 4}  # fmt: skip
_MODES = {"1": "1 bit", "L": "grey", "LA": "grey + alpha", "P": "palette", "PA": "palette + alpha", "RGB": "RGB",
          "RGBA": "RGB + alpha", "CMYK": "CMYK", "I;16": "grey, 16 bit", "I;16B": "grey, 16 bit", "I": "grey, 32 bit",
          "F": "grey, float"}  # fmt: skip
_MODERATE = 33


@dataclass(frozen=True)
class Chart:
    """One distribution. `rows (N,)` uint8 is the bin of every picture, NONE for none; `points` places the bins of a
    chart of sizes, as (width, height)."""

    key: str
    title: str
    kind: str
    labels: tuple[str, ...]
    rows: np.ndarray
    note: str = ""
    points: tuple[tuple[float, float], ...] = ()

    @property
    def counts(self) -> np.ndarray:
        """How many pictures each bin has."""
        return np.bincount(self.rows[self.rows != NONE], minlength=len(self.labels))


def make_charts(collected: Collected) -> list[Chart]:
    """Every distribution of a collection, those with a single bin included."""
    return list(_charts(collected, collected.table))


def _charts(collected: Collected, table: Table) -> Iterator[Chart]:
    if collected.labels:
        yield _bars("class", "Classes", table.label, collected.labels)
    yield _sizes(table.width, table.height)
    short = np.minimum(table.width, table.height)
    note = "The shorter side decides how large pictures can be trained on without enlarging them."
    yield _ladder("side", "Shorter side (px)", short, _SIDES, lambda low, high: _range(low, high, "px"), note)
    yield _aspects(table.width, table.height)
    yield _bars("colour", "Colour", np.where(table.monochrome, 1, 0), ["colour", "black and white"],
        "Black and white: on a copy of 64 x 64 pixels, fewer than 0.5% of the pixels have channels that differ by more "
        "than 16 of 255 levels.")  # fmt: skip
    yield _bars("background", "Background", table.background, BACKGROUNDS,
        "Plain: three quarters of the outer frame lie within 20 levels of its median colour.")  # fmt: skip
    percent = np.floor(table.brightness * 20).clip(0, 19)
    yield _histogram("brightness", "Brightness (%)", percent, lambda bin: f"{5 * bin}\u2013{5 * bin + 5}")
    yield _histogram("colourfulness", "Colourfulness", np.floor(table.colourfulness / 5).clip(0, 30),
        lambda bin: f"{5 * bin}\u2013{5 * bin + 5}" if bin < 30 else "150 and more",
        f"After Hasler and Suesstrunk (2003): 0 is grey, {_MODERATE} moderate, 59 quite, 109 extremely "
        "colourful.")  # fmt: skip
    kilo = [1 << power for power in range(40)]
    yield _ladder("bytes", "File size", table.file_bytes, kilo, lambda low, high: f"{_size(low)}\u2013{_size(high)}")
    yield _bars("format", "Format", table.format, collected.formats)
    yield _bars("mode", "Colour mode", table.mode, [_MODES.get(mode, mode) for mode in collected.modes],
        "As the file stores its pixels.")  # fmt: skip
    if collected.words.captions:
        yield _lengths(table.words)


def _bars(key: str, title: str, numbers: np.ndarray, names: Sequence[str], note: str = "") -> Chart:
    """A bar for every name that occurs, the most frequent first; the rarest share one where there are too many."""
    counts = np.bincount(numbers[numbers >= 0], minlength=len(names))
    order = [number for number in np.argsort(-counts, kind="stable").tolist() if counts[number]]
    kept, rest = (order, []) if len(order) <= MAX_BINS else (order[: MAX_BINS - 1], order[MAX_BINS - 1 :])
    bins = np.full(len(names) + 1, NONE, np.uint8)  # the last one stands for -1, no name
    bins[kept] = np.arange(len(kept))
    bins[rest] = len(kept)
    labels = [names[number] for number in kept] + ([f"{len(rest)} others"] if rest else [])
    return Chart(key, title, "bars", tuple(labels), bins[numbers], note)


def _histogram(key: str, title: str, bins: np.ndarray, name: Callable[[int], str], note: str = "") -> Chart:
    """Bins by their whole numbers, empty ones between them included, those at both ends left out."""
    bins = bins.astype(np.int64)
    low, high = (int(bins.min()), int(bins.max())) if len(bins) else (0, 0)
    labels = tuple(name(bin) for bin in range(low, high + 1))
    return Chart(key, title, "histogram", labels, (bins - low).astype(np.uint8), note)


def _ladder(key: str, title: str, values: np.ndarray, steps: Sequence[int], name: Callable[[int, int], str],
            note: str = "") -> Chart:  # fmt: skip
    """Bins between the steps of a ladder; the last one has no upper end."""
    bins = np.searchsorted(steps, values, "right") - 1
    ends = [*steps[1:], 0]
    return _histogram(key, title, bins.clip(0), lambda bin: name(steps[bin], ends[bin]), note)


def _range(low: int, high: int, unit: str) -> str:
    return f"{low}\u2013{high - 1} {unit}" if high else f"{low} {unit} and more"


def _size(count: int) -> str:
    for unit in ("B", "KB", "MB"):
        if count < 1024:
            return f"{count} {unit}"
        count //= 1024
    return f"{count} GB"


def _aspects(width: np.ndarray, height: np.ndarray) -> Chart:
    """Bars at common ratios; a picture counts where its own is nearest, measured in factors."""
    centres = np.log(list(_RATIOS.values()))
    bins = np.searchsorted((centres[1:] + centres[:-1]) / 2, np.log(width / height)) if len(width) else width
    names = list(_RATIOS)
    note = "Width to height, at the nearest common ratio."
    return _histogram("aspect", "Aspect ratio", bins, lambda bin: names[bin], note)


def _lengths(words: np.ndarray) -> Chart:
    """Words per caption, in as few bins as are easy to read."""
    present = words[words >= 0]
    low, high = int(present.min()), int(present.max())
    width = next(width for width in (1, 2, 5, 10, 20, 50, 100, 200, 500, 10**9) if (high - low) / width < 40)
    first = low // width
    chart = _histogram("words", "Words per caption", np.where(words < 0, first, words // width),
        lambda bin: str(bin) if width == 1 else f"{bin * width}\u2013{bin * width + width - 1}")  # fmt: skip
    chart.rows[words < 0] = NONE
    return chart


def _sizes(width: np.ndarray, height: np.ndarray) -> Chart:
    """A point for every size; sizes that are nearly the same share one where there are too many."""
    for step in (0, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4):
        grid = [np.round(np.log2(side) / step).astype(np.int64) if step else side for side in (width, height)]
        keys = grid[0].astype(np.int64) * 2**32 + grid[1]
        _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
        if len(counts) <= MAX_BINS:
            break
    order = np.argsort(-counts, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    rows = rank[inverse.reshape(-1)]
    means = [np.bincount(rows, side, len(counts)) / counts[order] for side in (width, height)]
    points = tuple((round(float(x), 1), round(float(y), 1)) for x, y in zip(*means))
    about = "about " if step else ""
    labels = tuple(f"{about}{x:.0f} \u00d7 {y:.0f}" for x, y in points)
    note = "Sizes of the files as they are shown, upright; larger circles are more pictures."
    return Chart("size", "Width and height", "bubbles", labels, rows.astype(np.uint8), note, points)
