"""The README of a run: a model card with prompts, settings, pictures and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nada.cards import front_matter, how_to_load


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
        *(f"- {name}: `{_plain(value)}`" for name, value in options.items() if value not in (None, (), [])),
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


def _guide_line(encoder: Mapping[str, Any]) -> str:
    facts = ", ".join(f"{key} `{_plain(value)}`" for key, value in encoder.items() if key != "name")
    return f"- **{encoder['name']}**: {facts}"


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
