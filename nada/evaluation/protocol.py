"""How the numbers of an evaluation are made, for the line above them and for the record."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from nada import __version__
from nada.config import to_json
from nada.evaluation.pictures import Pictures, Stored, key_of
from nada.evaluation.plan import Plan
from nada.evaluation.setting import sides_of
from nada.features import Extractor, GuideFeatures, InceptionFeatures
from nada.runs import describe_environment


def describe(plan: Plan, kernels: str, processes: int) -> dict[str, Any]:
    """All that the numbers depend on, and when and by what they were made.

    Args:
        kernels: as `nada.ops.describe` says.
        processes: how many divided the pictures among themselves.
    """
    words = plan.words
    return {
        "nada": __version__,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "size": plan.config.size,
        "batch": plan.config.batch,
        "model": _named(plan.pictures),
        "reference": _named(plan.reference),
        "against": _named(plan.before),
        "prompt": words.prompt or "each picture's own" if words else None,
        "source": words.source_prompt or None if words else None,
        "features": {eye.tag: eye.describe() for eye in (*plan.eyes, *((plan.lpips,) if plan.lpips else ()))},
        "judge": {**plan.judge.describe(), **_templates(plan.judge)},
        "guides": sorted(set(plan.origin.guides.values())),
        "device": str(plan.device),
        "kernels": kernels,
        "processes": processes,
        "environment": describe_environment(),
    }


def options_of(plan: Plan) -> dict[str, Any]:
    """The options, in the form in which `--config results.json` takes them up again."""
    return {name: value for name, value in to_json(plan.config).items() if name not in ("json", "record")}


def headline(plan: Plan, kernels: str) -> list[str]:
    """What is about to be done, in a line or some."""
    pictures = plan.pictures
    first = f"model {pictures.name} ({pictures.count} pictures at {plan.config.size} px), judge {plan.judge.name}, "
    lines = [first + f"features {', '.join(map(_called, plan.eyes))}, {plan.device}, {kernels}"]
    if plan.reference is not None:
        own = plan.origin.holds_out and plan.config.reference is None and plan.config.include is None
        kind = "pictures that the training held out" if own else "pictures"
        lines.append(f"reference {plan.reference.name} ({plan.reference.count} {kind})")
    if plan.before is not None:
        lines.append(f"against {plan.before.name}, the same latents")
    if plan.words is not None:
        source = f" (from {plan.words.source_prompt!r})" if plan.words.source_prompt else ""
        lines.append(f"prompt {plan.words.prompt!r}{source}" if plan.words.prompt else "prompt of each picture: its own")
    return lines


def _called(eye: Extractor) -> str:
    """An extractor by its name; of Inception there are several conventions, and a published number is of one."""
    return f"{eye.name} ({eye.describe()['resize']})" if isinstance(eye, InceptionFeatures) else eye.name


def _templates(judge: GuideFeatures) -> dict[str, Any]:
    """The sentences around a prompt, which move the quality: how many, and a hash of them."""
    templates = list(judge.encoder.templates)
    return {"templates": len(templates), "templates_sha256": key_of({"templates": templates})}


def _named(pictures: Pictures | None) -> dict[str, Any] | None:
    if pictures is None:
        return None
    own = {"sides": list(sides) if (sides := sides_of(pictures)) else None}  # the least, the middle one, the largest
    if isinstance(pictures, Stored):
        own["classes"] = pictures.survey.classes
    return {"name": pictures.name, **own, **pictures.describe()}
