"""The README of a run: a model card with prompts, settings, pictures and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nada.cards import front_matter, how_to_load, plain_value
from nada.config import to_json
from nada.config.adapt import AdaptConfig

_ALWAYS = ("method", "layers", "steps", "batch", "lr", "noise", "seed", "precision")  # also where they are the defaults
# In the card already, or of no weight for what came out.
_ELSEWHERE = {
    "source",
    "target",
    "generator",
    "clip",
    "device",
    "out",
    "resume",
    "dry_run",
    "sample_every",
    "checkpoint_every",
}
_OF_A_GUIDE = ("weight", "tag", "file", "sha256", "image_size", "filter", "antialias", "templates")


def model_card(options: Mapping[str, Any], result: Mapping[str, Any], guides: Mapping[str, Any]) -> str:
    """Return Markdown with a YAML head, in the layout that model hubs show.

    Args:
        options: the run's options with their resolved values.
        result: what `result.json` holds.
        guides: `Guide.describe()`.
    """
    title = f"{options['source'] or 'source'} to {options['target'] or 'the target pictures'}"
    by = "by a text direction (StyleGAN-NADA, arXiv:2108.00946)" if options["target"] else "towards example pictures"
    lines = [
        *front_matter(("stylegan2", "domain-adaptation", "clip-guided"), str(options["generator"]), "adapter"),
        f"# {title}",
        "",
        f"The generator `{options['generator']}`, adapted {by}.",
        "",
        "![the same latents before and after](before-after.png)",
        "",
        *result_table(result),
        "",
        "## Settings",
        "",
        "What is not listed is a default; `config.json` has everything.",
        "",
        *(f"- {name}: `{plain_value(value)}`" for name, value in _told(options).items()),
        "",
        "## Guides",
        "",
        *(_guide_line(encoder) for encoder in guides["encoders"]),
        "",
        "## Use",
        "",
        *how_to_load(),
        "",
        "`adaptation.safetensors` holds only the tensors that moved; loading it needs the generator it was made from "
        f"(sha256 of its tensors {options['generator_sha256'][:16]}…).",
        "",
    ]
    return "\n".join(lines)


def result_table(result: Mapping[str, Any]) -> list[str]:
    """Lines of a table in Markdown: how a run went, and what its judge saw."""
    rows = [
        ("loss, first to last step", f"{result['first_loss']:.3f} to {result['last_loss']:.3f}"),
        ("steps taken, weights kept from", f"{result['steps']}, step {result['best_step']}"),
        ("why it ended", result["ended"]),
        ("parameters that could move", f"{result['parameters']:,}"),
        ("seconds", f"{result['seconds']:.1f}"),
        *((f"{name.removeprefix('judge/')}, by the judge `{result['judge']}`", f"{value:.3f}")
          for name, value in result["judged"].items()),
    ]  # fmt: skip
    return ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]


def _told(options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a reader of the card needs: what an adaptation is called by, and what is not as usual."""
    usual = to_json(AdaptConfig())
    named = {name: options[name] for name in usual if name in options and name not in _ELSEWHERE}
    changed = {name: value for name, value in named.items() if name in _ALWAYS or not _same(value, usual[name])}
    return {name: value for name, value in changed.items() if value is not None}


def _same(value: Any, usual: Any) -> bool:
    return (list(value) if isinstance(value, tuple) else value) == usual


def _guide_line(encoder: Mapping[str, Any]) -> str:
    facts = {key: value for key, value in encoder.items() if key in _OF_A_GUIDE and value is not None}
    if "sha256" in facts:
        facts["sha256"] = f"{facts['sha256'][:16]}…"
    told = ", ".join(f"{key.replace('_', ' ')} `{plain_value(value)}`" for key, value in facts.items())
    return f"- **{encoder['name']}**: {told}"
