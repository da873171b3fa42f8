"""The README of a mix: its recipe, its base, and how to use it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nada.cards import front_matter, how_to_load


def mix_card(metadata: Mapping[str, str], preview: bool, kind: str) -> str:
    """Return Markdown with a YAML head, in the layout that model hubs show.

    Args:
        metadata: of the mix: `name`, `base`, `base_sha256`, and `parts` as JSON.
        preview: whether there is a `preview.png` to show.
        kind: "adaptation" or "generator", what lies beside it.
    """
    rows = [
        f"| {part['weight']:g} | {part['name']} | {part['layers']} | `{part['sha256'][:16]}…` |"
        for part in json.loads(metadata["parts"])
    ]
    holds = {
        "adaptation": "`adaptation.safetensors` holds only the tensors that differ from the base; loading it needs the "
        f"generator it was made from (sha256 of its tensors {metadata['base_sha256'][:16]}…).",
        "generator": "`model.safetensors` holds all weights; nothing else is needed to use it.",
    }
    relation = "adapter" if kind == "adaptation" else "finetune"
    lines = [
        *front_matter(("stylegan2", "domain-adaptation", "model-mixing"), metadata["base"], relation),
        f"# {metadata['name']}",
        "",
        f"The generator `{metadata['base']}` with adaptations added in weight space (arXiv:1811.10515, arXiv:2108.00946).",
        "",
        *(["![base, domains and mix, of the same latents](preview.png)", ""] if preview else []),
        "| weight | domain | layers | sha256 of its file |",
        "|---|---|---|---|",
        *rows,
        "",
        "## Use",
        "",
        *how_to_load(),
        "",
        holds[kind],
        "",
    ]
    return "\n".join(lines)
