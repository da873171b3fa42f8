"""One line of the result: a number with its interval, and all that must be said beside it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from nada.metrics import Estimate

SMALLER, LARGER, NEITHER = "smaller", "larger", ""


@dataclass(frozen=True)
class Score:
    """A number that was measured.

    Attributes:
        key: its name in files and curves, which says on whose features: `fd_demo_judge`, `fid`.
        title: its name in tables.
        estimate: value, interval, counts, and how the interval was made.
        features: on whose features.
        better: "smaller" or "larger", or nothing where neither is.
        of: what the number is, in a few words and with its source.
        resize: how the pictures were brought to the side that the network sees: `legacy`, `centre crop`.
        details: the constants of the metric, and what else came out with the number; JSON-able.
    """

    key: str
    title: str
    estimate: Estimate
    features: str
    better: str
    of: str
    resize: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The whole of it for JSON, where infinity is null."""
        facts = {**asdict(self.estimate), "n": list(self.estimate.n)}
        numbers = {name: _number(value) for name, value in facts.items()}
        seen = {"features": self.features, "resize": self.resize, "better": self.better, "of": self.of}
        return {"title": self.title, **numbers, **seen, "details": self.details}


@dataclass(frozen=True)
class Doubt:
    """Why a number should not be believed, or not too much; `keys` are the scores it is about, none for all."""

    text: str
    keys: tuple[str, ...] = ()


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
