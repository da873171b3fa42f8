"""The numbers of a cell: what each is called in tables, which way is better, and what it is."""

from __future__ import annotations

import math
from typing import NamedTuple

LARGER, SMALLER, NEITHER = "larger", "smaller", ""


class Kind(NamedTuple):
    """A number of a cell: its title in tables, which way is better, its digits behind the point, and what it is.

    `within` are the least and the largest value that is possible.
    """

    title: str
    better: str
    digits: int
    of: str
    within: tuple[float, float] = (-math.inf, math.inf)

    def text(self, value: float | None) -> str:
        """The number as it stands in tables; a dash where there is none."""
        if value is None:
            return "–"
        if abs(value) >= 10_000 or self.digits == 0 and abs(value) >= 10:
            return f"{value:,.0f}"
        return f"{value:.{self.digits}f}"

    @property
    def arrow(self) -> str:
        """An arrow for the better direction."""
        return {LARGER: "↑", SMALLER: "↓", NEITHER: ""}[self.better]


BALANCE = "balance"
_SHARE, _COSINE, _LENGTH, _POSITIVE = (0.0, 1.0), (-1.0, 1.0), (-2.0, 2.0), (0.0, math.inf)
KINDS: dict[str, Kind] = {
    BALANCE: Kind(
        "balance",
        LARGER,
        3,
        "harmonic mean of projection and content; 0 where collapsed or away from the target",
        (0.0, 2.0),
    ),
    "projection": Kind(
        "projection", LARGER, 3, "target reached: how far the pictures moved along the words' direction", _LENGTH
    ),
    "direction": Kind(
        "direction",
        LARGER,
        3,
        "mean cosine of what changed in the pictures and in the words, however little it was",
        _COSINE,
    ),
    "target": Kind("CLIP-T", LARGER, 3, "mean cosine of pictures and target prompt", _COSINE),
    "content": Kind("content kept", LARGER, 3, "mean cosine of each picture with that of the same latent before", _COSINE),
    "recognised": Kind("recognised", LARGER, 3, "share of the pictures whose class the judge still sees", _SHARE),
    "diversity": Kind("diversity", LARGER, 3, "mean of 1 - cosine over pairs of pictures", _POSITIVE),
    "diversity_kept": Kind(
        "diversity kept", LARGER, 3, "diversity over that of the same latents before; 1 is as before", _POSITIVE
    ),
    "colour_noise": Kind(
        "colour noise", SMALLER, 4, "grain of colour in levels of 255; compare with that of none", _POSITIVE
    ),
    "one_colour": Kind("one colour", SMALLER, 3, "share of the pictures that are nearly one colour", _SHARE),
    "collapsed": Kind("collapsed", SMALLER, 2, "share of the cells that collapsed", _SHARE),
    "distance": Kind("style distance", SMALLER, 4, "kernel distance to the reference pictures of the style"),
    "parameters": Kind("parameters", NEITHER, 0, "how many numbers could move", _POSITIVE),
    "seconds": Kind("seconds", NEITHER, 1, "time of a cell", _POSITIVE),
}
# What policies are tested for.
TESTED = (BALANCE, "projection", "direction", "content", "recognised", "diversity_kept", "colour_noise", "distance")
# A cosine of 1 can be reached by a change that nobody sees, so that policies are ranked by how far the pictures moved.
REACHED, KEPT = "projection", "content"
SHOWN = (REACHED, "direction", KEPT, "recognised")


def kind_of(key: str) -> Kind:
    """The kind of a number; one that is not known here goes by its own name."""
    return KINDS.get(key, Kind(key.replace("_", " "), NEITHER, 4, "a further number of the cell"))
