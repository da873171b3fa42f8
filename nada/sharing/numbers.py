"""What `nada evaluate` measured, read back from the `results.json` of a run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from nada.errors import NadaError
from nada.evaluation.keeping import RESULTS
from nada.evaluation.report import Evaluation
from nada.evaluation.scores import Doubt, Score
from nada.files import read_json
from nada.metrics import Estimate
from nada.sharing.portable import portable, portable_text

_AGAINST = {
    "before": ("directional", "content", "neighbours", "diversity_kept", "change"),
    "prompt": ("clip_t", "quality"),
    "reference": ("fd", "kd", "fid", "kid", "precision", "recall", "density", "coverage", "cmmd", "sliced", "clip_i"),
}


def read_evaluation(folder: Path | None) -> Evaluation | None:
    """Return what was measured of a run, without the paths of this machine; None where nothing was.

    Raises NadaError for a file that is not what `nada evaluate` writes.
    """
    path = folder / RESULTS if folder else None
    if path is None or not path.is_file():
        return None
    content = portable(read_json(path))
    try:
        scores = tuple(_score(key, facts) for key, facts in content["scores"].items())
        doubts = tuple(Doubt(portable_text(doubt["text"]), tuple(doubt["scores"])) for doubt in content["doubts"])
        left_out = {name: portable_text(why) for name, why in content["left_out"].items()}
        return Evaluation(scores, doubts, left_out, content["protocol"], content["options"])
    except (KeyError, TypeError, AttributeError) as error:
        raise NadaError(f"{path} is not what nada evaluate writes; evaluate again, or take it away.") from error


def _score(key: str, facts: dict[str, Any]) -> Score:
    names = {field.name for field in dataclasses.fields(Estimate)}
    numbers = {name: _number(name, facts[name]) for name in names}
    seen = {name: facts[name] for name in ("resize", "details") if name in facts}  # older files have none
    return Score(key, facts["title"], Estimate(**numbers), facts["features"], facts["better"], facts["of"], **seen)


def _number(name: str, value: Any) -> Any:
    """JSON has no infinity; the file says null."""
    if name == "n":
        return tuple(value)
    return float("inf") if value is None and name in ("value", "low", "high") else value


def held_against(key: str) -> str:
    """What a score compares the pictures with: "reference", "before", "prompt", or nothing but themselves.

    >>> [held_against(key) for key in ("fd_demo_judge", "directional_demo_judge", "clip_t_demo", "diversity_demo")]
    ['reference', 'before', 'prompt', '']
    """
    for side, kinds in _AGAINST.items():
        if any(key == kind or key.startswith(f"{kind}_") for kind in kinds):
            return side
    return ""
