"""Layers of styles by name or number, as style mixing takes them."""

from __future__ import annotations

from nada.errors import UsageError
from nada.generation.seeds import parse_seeds

# Karras et al. 2018, arXiv:1812.04948, figure 3: 4 to 8 px, 16 to 32 px, 64 px and more. Two layers each.
_NAMED = {"coarse": (0, 4), "middle": (4, 8), "fine": (8, 1 << 20)}


def parse_layers(text: str, count: int) -> tuple[int, ...]:
    """Return the layers that "coarse", "middle", "fine", "0-6" or "2,5-7" means, of a generator with `count` styles.

    >>> parse_layers("middle", 18), parse_layers("0-2,5", 10)
    ((4, 5, 6, 7), (0, 1, 2, 5))

    Raises UsageError for anything else and for layers that the generator does not have.
    """
    flag, there_are = "--mix-layers", f"this generator has the layers 0 to {count - 1}"
    if text in _NAMED:
        start, stop = _NAMED[text]
        if start >= count:
            raise UsageError(f"{flag} {text} begins at layer {start}, but {there_are}.")
        return tuple(range(start, min(stop, count)))
    if not text[:1].isdecimal():
        raise UsageError(f"{flag} is coarse, middle, fine, or numbers such as 0-6, not {text[:40]!r}.")
    layers = parse_seeds(text, flag).unique()
    if len(layers) > count or max(layers) >= count:
        raise UsageError(f"{flag} {text}: {there_are}.")
    return tuple(sorted(layers))
