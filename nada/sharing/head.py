"""The YAML at the top of a model card, by which hubs file a model: kind, licence, base, measured numbers.

Its fields are those of https://huggingface.co/docs/hub/model-cards; `model-index` is written by huggingface_hub itself.
"""

from __future__ import annotations

import math
from typing import Any

from nada.cards import LIBRARY, base_fields
from nada.errors import UsageError
from nada.evaluation.report import Evaluation
from nada.evaluation.scores import Score
from nada.runs import slugify
from nada.sharing.numbers import held_against
from nada.sharing.pictures import SAMPLES
from nada.sharing.source import Source

UNKNOWN = "unknown"
# https://huggingface.co/docs/hub/repositories-licenses, without those that belong to one company's models
LICENCES = frozenset(
    """
    afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bigcode-openrail-m bigscience-bloom-rail-1.0 bigscience-openrail-m bsd
    bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nc-2.0
    cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0
    cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0
    creativeml-openrail-m ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 gfdl gpl gpl-2.0 gpl-3.0 isc lgpl
    lgpl-2.1 lgpl-3.0 lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl odc-by ofl-1.1 openrail openrail++ osl-3.0 pddl postgresql
    unknown unlicense wtfpl zlib
    """.split()
)
_DIGITS = 6


def licence_fields(licence: str | None) -> dict[str, str]:
    """Return the fields for a licence: an identifier of the hub, or any other by its name.

    >>> licence_fields("MIT"), licence_fields("NVIDIA Source Code License"), licence_fields(None)
    ({'license': 'mit'}, {'license': 'other', 'license_name': 'nvidia-source-code-license'}, {'license': 'unknown'})

    Raises:
        UsageError: for a name that is empty, or has no letter that hubs take.
    """
    if licence is None:
        return {"license": UNKNOWN}
    name = licence.strip().lower()
    if not name:
        raise UsageError("--license is empty; give one such as mit, cc-by-4.0 or its name, or leave it out for unknown.")
    if name in LICENCES:
        return {"license": name}
    if not any(letter.isalnum() for letter in name.encode("ascii", "ignore").decode()):
        raise UsageError(f"--license {licence.strip()} has no Latin letter, and hubs take no other; give its name in some.")
    return {"license": "other", "license_name": slugify(name)}


def card_head(source: Source, evaluation: Evaluation | None, licence: str | None, whole: bool) -> str:
    """Return the lines between the two `---` of a card.

    Args:
        whole: whether all weights are in the export, and not the adaptation alone.
    """
    from huggingface_hub import ModelCardData

    results = [_result(score, source, evaluation) for score in _finite(evaluation)] if evaluation else None
    base = source.base.name if source.base else ""
    data = ModelCardData(
        **licence_fields(licence),
        library_name=LIBRARY,
        pipeline_tag=_pipeline(source),
        tags=_tags(source),
        **base_fields(base, "finetune" if whole else "adapter"),
        **({"widget": _widget(source)} if _pipeline(source) == "text-to-image" else {}),
        **({"model_name": source.title, "eval_results": results} if results else {}),
    )
    return data.to_yaml()


def _pipeline(source: Source) -> str:
    return "text-to-image" if source.generator.config.text_dim else "unconditional-image-generation"


def _tags(source: Source) -> list[str]:
    tags = ["nada", "stylegan2", "gan", "image-generation"]
    return [*tags, "stylegan-nada", "domain-adaptation", "clip"] if source.base else tags


def _widget(source: Source) -> list[dict[str, Any]]:
    """The picture that a hub shows with words beside it."""
    prompts = source.generator.config.prompts
    return [{"text": prompts[0] if prompts else source.title, "output": {"url": SAMPLES}}]


def _finite(evaluation: Evaluation) -> list[Score]:
    """Hubs read no infinities."""
    numbers = ((score, (score.estimate.value, score.estimate.low, score.estimate.high)) for score in evaluation.scores)
    return [score for score, values in numbers if all(map(math.isfinite, values))]


def _result(score: Score, source: Source, evaluation: Evaluation) -> Any:
    """One measured number in the words of `model-index`."""
    from huggingface_hub import EvalResult

    kind, name = _held_against(score.key, source, evaluation.protocol)
    estimate = score.estimate
    facts = {
        "pictures": list(estimate.n),
        "interval": [_digits(estimate.low), _digits(estimate.high)],
        "level": estimate.level,
        "features": score.features,
        "size": evaluation.protocol.get("size"),
    }
    return EvalResult(
        task_type=_pipeline(source),
        dataset_type=kind,
        dataset_name=name,
        metric_type=score.key,
        metric_name=score.title,
        metric_value=_digits(estimate.value),
        metric_args=facts,
    )


def _held_against(key: str, source: Source, protocol: dict[str, Any]) -> tuple[str, str]:
    """The "dataset" of a number, which here is often none: kind and name."""
    side = held_against(key)
    if side == "reference":
        name = str((protocol.get("reference") or {}).get("name", "pictures"))
        return slugify(name), name
    if side == "before":
        name = source.base.name if source.base else str((protocol.get("against") or {}).get("name", "before"))
        return "same-latents", f"the same latents by {name}"
    if side == "prompt":
        return "prompt", f"prompt: {protocol.get('prompt')}"
    return "generated", "generated pictures"


def _digits(value: float) -> float:
    """As many digits as are worth printing."""
    return float(f"{value:.{_DIGITS}g}")
