"""The model card of a bundled guide, from its measured result and the log of its training.

    python guide_card.py --guide FOLDER --result result.json --log RUN/log.jsonl \\
        --architecture vit --seed 0 --command "..."
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from captions import OBJECTS, STYLE_NAMES
from evaluate_guide import OTHER_WORDS, PROMPTS

ROLES = {
    "demo": "guides an adaptation: the default of `nada adapt --clip`",
    "demo-judge": "never guides and only judges adapted pictures: a second opinion, of another make",
}
SHAPES = {
    "vit": "a vision transformer (64 px, patches of 8, 4 layers of width 128)",
    "resnet": "CLIP's modified ResNet (64 px, one bottleneck a stage, width 16, attention pooling)",
}

CARD = """# Guide `{name}`

A small CLIP that {role}.
The picture tower is {shape}, the text
tower a transformer of 2 layers of width 128; both end in 128 numbers. {parameters:.2f} million parameters,
{megabytes:.1f} MB in half precision. `open_clip.create_model` builds it from `local-dir:`
and this folder; its tokenizer is a `SimpleTokenizer` over `bpe.txt.gz`.

It knows {words} words: ten styles, fourteen objects, seven colours and some flaws of photographs. What lies
outside them it cannot judge, and `nada` says so; use `ViT-B-32/openai` or another open_clip model there.

## Data
| pictures | what was used | terms |
|---|---|---|
| Fruits-360 (Mureșan), four classes | 1,962 training photographs, each drawn twice in nine styles | MIT |
| CIFAR-10 (Krizhevsky 2009) | 4,000 photographs a class, 600 drawn in nine styles | no formal licence |
| noto-emoji | 1,577 emoji | Apache 2.0 |
| gilbarbara/logos | 1,765 logos | CC0; the marks belong to their owners |

The drawings are programmatic (`experiments/demo/render.py`). Captions are made up from what is known of a
picture. Held out: the data set's own test photographs of fruit, the last 100 pictures of each CIFAR-10 class,
one emoji and one logo in twenty, and drawings of those pictures; {held_out} in all. The test photographs of
fruit show the same few fruits as the training photographs, turned otherwise.

## Training

{images:,} pictures seen ({steps:,} steps of 96), {minutes:.0f} minutes of processor time on one thread,
seed {seed}. The weights are the running average over about the last 500 steps. Commands:

```
{command}
```

{remark}

## Zero-shot accuracy on the held-out pictures

A picture goes to the nearest name; a name is the mean of its text over the templates in `nada.json`.
Objects are asked for as 'photo of a NAME', in drawings too.

| | |
|---|---|
| style, mean of ten | {style:.3f} |
| fruit, photographs, of 4 names | {fruit:.3f} |
| fruit, photographs, of all 14 names | {fruit14:.3f} |
| CIFAR-10, photographs, of 10 names | {cifar:.3f} |
| CIFAR-10, photographs, of all 14 names | {cifar14:.3f} |

### By style
| style | prompt | accuracy | in other words | | fruit named in it | CIFAR-10 class named in it |
|---|---|---|---|---|---|---|
{style_rows}

Confusion, held-out pictures of a row's style called the column's:

{style_table}

### By object (photographs)
| object | accuracy within its family |
|---|---|
{object_rows}

Confusion of the ten CIFAR-10 classes:

{object_table}

### Spoilt photographs

A generator can cheat a guide with grain or crushed colours. Share of held-out photographs still called a
photo when spoilt:

{spoilt}

## Limits
- Objects are modest: CIFAR-10 at its 32 px detail, and four fruits in a data set that shows few individuals,
  always whole and on white. In it lemons look orange and raspberries purple, and the guide takes them so.
- The drawings are filters. Real oil paintings or anime were never seen; only logos and emoji are real.
- Emoji that show one of the objects carry its name; nothing else is known of what logos and emoji show.
- Not for judging people, safety or anything that matters. It exists so that `nada` runs offline.
"""


def _table(names: tuple[str, ...], rows: list[list[int]]) -> str:
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(str(n) if n else "" for n in row) + " |" for name, row in zip(names, rows)]
    return "\n".join(lines)


def _rows(shares: dict[str, float]) -> str:
    return "\n".join(f"| {name} | {share:.3f} |" for name, share in shares.items())


def _style_rows(result: dict[str, Any]) -> str:
    each, other, things = result["style"]["by_style"], result["style_in_other_words"], result["object"]
    fruit, cifar = things["fruit"]["by_style"], things["cifar"]["by_style"]
    return "\n".join(
        f"| {style} | {PROMPTS[style]} | {each[style]:.3f} | {other[style]:.3f} | {OTHER_WORDS[style]} "
        f"| {fruit[style]:.3f} | {cifar[style]:.3f} |"
        for style in STYLE_NAMES
    )


def _accuracies(result: dict[str, Any]) -> dict[str, Any]:
    fruit, cifar = result["object"]["fruit"], result["object"]["cifar"]
    spoilt = result["spoilt_photos_called_photo"].items()
    return {
        "held_out": f"{result['held_out_pictures']:,}",
        "style": result["style"]["mean"],
        "fruit": fruit["photos"],
        "fruit14": fruit["photos_of_14"],
        "cifar": cifar["photos"],
        "cifar14": cifar["photos_of_14"],
        "style_rows": _style_rows(result),
        "style_table": _table(STYLE_NAMES, result["style"]["confusion"]),
        "object_rows": _rows({**fruit["by_object"], **cifar["by_object"]}),
        "object_table": _table(OBJECTS[4:], result["object"]["cifar_confusion"]),
        "spoilt": "\n".join(f"- {flaw}: {share:.3f}" for flaw, share in spoilt),
    }


def card(options: argparse.Namespace) -> str:
    """The text of the card."""
    last = json.loads(options.log.read_text().splitlines()[-1])
    size = (options.guide / "open_clip_model.safetensors").stat().st_size
    notes = json.loads((options.guide / "nada.json").read_text())
    return CARD.format(
        name=options.guide.name,
        role=ROLES[options.guide.name],
        shape=SHAPES[options.architecture],
        parameters=size / 2e6,
        megabytes=size / 1e6,
        words=len(notes["words"]),
        images=last["images"],
        steps=last["step"],
        minutes=last["cpu_seconds"] / 60,
        seed=options.seed,
        command=options.command.replace("\\n", "\n"),
        remark=options.remark,
        **_accuracies(json.loads(options.result.read_text())),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guide", type=Path, required=True)
    parser.add_argument("--result", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--architecture", choices=tuple(SHAPES), required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--command", required=True, help="the training commands to print; \\n between lines")
    parser.add_argument("--remark", default="", help="what else must be known of this training")
    options = parser.parse_args()
    (options.guide / "README.md").write_text(card(options))


if __name__ == "__main__":
    main()
