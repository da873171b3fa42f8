"""The README of an export: a model card in the layout that hubs show."""

from __future__ import annotations

import re
from collections.abc import Collection

from nada.adaptation.card import result_table
from nada.cards import how_to_load, plain_value
from nada.checkpoints import native
from nada.evaluation.report import BEGIN, END, Evaluation
from nada.sharing.head import UNKNOWN, card_head, licence_fields
from nada.sharing.pictures import SAMPLES, describe_sheet
from nada.sharing.portable import is_public, portable_text
from nada.sharing.source import BEFORE_AFTER, PREVIEW, Source

PAPER = "[StyleGAN-NADA](https://arxiv.org/abs/2108.00946)"
_SETTINGS = {  # what a person would ask of an adaptation, and its name in the record
    "layers that could move": "layers",
    "steps": "steps",
    "batch": "batch",
    "learning rate": "lr",
    "seed": "seed",
    "method": "method",
    "views": "augment",
    "noise": "noise",
    "precision": "precision",
}
_TITLE = re.compile(r"\A\s*# .*\n")
_LEFT_OUT = "use"  # a section of a run's own card that holds only for the run


def export_card(
    source: Source, evaluation: Evaluation | None, licence: str | None, files: Collection[str], address: str
) -> str:
    """Return the Markdown of a card, with its YAML.

    Args:
        licence: as the user gave it; None where nobody said.
        files: what else lies in the export.
        address: the spec under which others load it: `hf:owner/name`; empty for a folder.
    """
    whole = native.WEIGHTS in files
    parts = [
        ["---", card_head(source, evaluation, licence, whole), "---", f"# {source.title}", "", _summary(source)],
        _pictures(source, files),
        ["## Use", "", *_use(source, address, files)],
        ["## How it was made", "", *_making(source, whole)] if source.base else [],
        _quoted(source.own_card) if not source.base else [],
        _numbers(source, evaluation),
        ["## Licence", "", *_licence(source, licence)],
    ]
    return "\n\n".join("\n".join(part).strip("\n") for part in parts if part) + "\n"


def _summary(source: Source) -> str:
    config = source.generator.config
    size = ", ".join(filter(None, (f"{config.resolution} px", config.describe_conditions())))
    if source.base is None:
        return f"A StyleGAN2 generator ({size}), exported by `nada`."
    shows = f" ({source.base.shows})" if source.base.shows else ""
    if source.parts:
        mixed = "with several adaptations added in weight space ([arXiv:1811.10515](https://arxiv.org/abs/1811.10515))"
        return f"The StyleGAN2 generator `{source.base.name}`{shows}, {size}, {mixed} by `nada mix`."
    words = source.option("target")
    how = "by a direction in words, without pictures of the target" if words else "towards pictures of a style"
    return f"The StyleGAN2 generator `{source.base.name}`{shows}, {size}, moved {how} ({PAPER}) with `nada adapt`."


def _pictures(source: Source, files: Collection[str]) -> list[str]:
    lines = []
    if BEFORE_AFTER in files:
        lines += [f"![before and after]({BEFORE_AFTER})", "", "*The same latents before and after.*", ""]
    if PREVIEW in files:
        lines += [f"![base, domains and mix]({PREVIEW})", "", "*The same latents by the base, each domain and the mix.*", ""]
    return [*lines, f"![samples]({SAMPLES})", "", f"*{describe_sheet(source.generator)}*"]


def _use(source: Source, spec: str, files: Collection[str]) -> list[str]:
    side = source.generator.config.resolution
    lines = how_to_load(spec, f"  # uint8 (16, {side}, {side}, 3)")
    if source.base is None or native.ADAPTATION not in files:
        return lines
    name, digest = source.base.name, source.base.sha256
    only = "" if native.WEIGHTS in files else " This export holds nothing else, so loading it loads the base, too."
    lines += ["", f"`{native.ADAPTATION}` has only the tensors that moved, for `{name}` (sha256 of its tensors "
              f"`{digest[:16]}`), and loads onto no other generator.{only}"]  # fmt: skip
    if not is_public(name):
        lines[-1] += f" `{name}` is a file of its author's; put it beside `{native.ADAPTATION}` under that name."
    return lines


def _making(source: Source, whole: bool) -> list[str]:
    base = source.base
    assert base is not None
    rows = [("base", f"`{base.name}`, sha256 of its tensors `{base.sha256[:16]}`")]
    words = {"source prompt": "source", "target prompt": "target", "target pictures": "target_images"}
    rows += [(name, f"“{source.option(key)}”") for name, key in words.items() if source.option(key)]
    rows += [("guide", f"`{name}`") for name in _guides(source)]
    rows += [
        (name, f"`{plain_value(value)}`") for name, key in _SETTINGS.items() if (value := source.option(key)) is not None
    ]
    rows += [(f"{part['weight']:g} of it", f"{part['name']} (layers `{part['layers']}`)") for part in source.parts]
    lines = ["| | |", "|---|---|", *(f"| {name} | {_cell(value)} |" for name, value in rows)]
    return [*lines, "", "`config.json` has every option." if source.record and whole else ""]


def _guides(source: Source) -> list[str]:
    encoders = (source.record.get("guide") or {}).get("encoders", ())
    return [f"{encoder['name']}@{encoder['weight']:g}" for encoder in encoders]


def _cell(text: str) -> str:
    """Text that cannot end a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def _numbers(source: Source, evaluation: Evaluation | None) -> list[str]:
    """What was measured, in which way and with which doubts; or that nothing was."""
    adapted = source.base is not None and "first_loss" in source.result
    lines = ["## The run", "", *result_table(source.result), ""] if adapted else []
    if evaluation is None:
        return [*lines, "## Evaluation", "", "Not evaluated: no `nada evaluate` was run on it before it was exported."]
    return [*lines, evaluation.section().removeprefix(f"{BEGIN}\n").removesuffix(f"\n{END}")]


def _licence(source: Source, licence: str | None) -> list[str]:
    fields = licence_fields(licence)
    name = fields.get("license_name", fields["license"])
    lines = [
        "Unknown: whoever exported this did not say. Ask before you use it for more than looking at it."
        if name == UNKNOWN
        else f"`{name}`, as whoever exported this says."
    ]
    known = source.base.licence if source.base else str(source.metadata.get("licence", ""))
    if known:
        lines += ["", f"{'The base is' if source.base else 'It was published'} under: {known}."]
    return lines


def _quoted(card: str) -> list[str]:
    """What a generator's own card says, one level deeper, without its head, pictures, links to files and evaluation."""
    text = re.sub(r"\A---\n.*?\n---\n", "", card, flags=re.DOTALL)
    text = re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), "", text, flags=re.DOTALL)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)\n?", "", _TITLE.sub("", text))
    kept = "".join(part for part in _deeper(text) if part.partition("\n")[0].strip("# ").lower() != _LEFT_OUT)
    body = portable_text(re.sub(r"\n{3,}", "\n\n", kept)).strip()
    return ["## From its own card", "", body] if body else []


def _deeper(text: str) -> list[str]:
    """The sections of a text, their headings one level deeper; lines of code that begin with # are no headings."""
    sections, in_code = [""], False
    for line in text.splitlines(keepends=True):
        in_code ^= line.lstrip().startswith(("```", "~~~"))
        if not in_code and re.match("#+ ", line):
            sections.append("#" + line)
        else:
            sections[-1] += line
    return sections
