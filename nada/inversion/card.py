"""The sheet, the card and the record of an inversion: what was found, and how near it is."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nada.cards import HERE, WHOSE, front_matter
from nada.config import to_json
from nada.files import write_json, write_text
from nada.images import label_rows, save_png
from nada.inversion.keeping import Place
from nada.inversion.measures import Errors
from nada.inversion.plan import Plan
from nada.inversion.result import FILE, Inversion
from nada.runs import describe_environment

ON_SHEET = 12  # photographs; all have their folders
LEVEL = 127.5  # levels of 8 bits in one unit of [-1, 1]


@dataclass(frozen=True)
class Row:
    """A finished photograph: pictures uint8 `(H, W, 3)` by what they are, and the errors of those that should be it."""

    place: Place
    inversion: Inversion
    pictures: dict[str, np.ndarray]
    errors: dict[str, Errors]

    @property
    def class_name(self) -> str | None:
        """The photograph's class or prompt, given or found; None for an unconditional generator."""
        if self.inversion.classes is None:
            return None
        number = self.inversion.classes[0]
        names = self.place.plan.generator.config.condition_names
        return names[number] if names else str(number)

    def line(self) -> str:
        """What a person wants to know, in one line."""
        last = list(self.errors.values())[-1]
        given = self.place.plan.classes[self.place.index] is not None
        kind = f"{self.class_name} ({'given' if given else 'found'}), " if self.class_name else ""
        return (
            f"{self.place.name}: {kind}{len(self.inversion.losses[0])} steps, pixels off by {LEVEL * last.pixel_rmse:.1f} "
            f"of 255 levels (RMSE), perceptual distance {last.perceptual:.4f}, judge's cosine {last.judge_cosine:.3f}"
        )


def write_report(plan: Plan, out: Path, rows: list[Row]) -> None:
    """Write `sheet.png`, `README.md` and `results.json` of what is finished."""
    save_png(out / "sheet.png", _sheet(plan, rows))
    write_text(out / "README.md", _card(plan, rows))
    write_json(out / "results.json", _record(plan, rows))


def _sheet(plan: Plan, rows: list[Row]) -> np.ndarray:
    """Photographs side by side; below them what each has become."""
    shown = rows[:ON_SHEET]
    titles = ["photograph" if len(shown) == len(rows) else f"photograph (the first {len(shown)} of {len(rows)})"]
    strips = [np.stack([plan.photos.pixels[row.place.index] for row in shown])]
    for name in shown[0].pictures:
        titles.append(f"{name} in {plan.settings.space.upper()}" if name == "reconstruction" else name)
        strips.append(np.stack([row.pictures[name] for row in shown]))
    return label_rows(strips, titles)


def _card(plan: Plan, rows: list[Row]) -> str:
    shared = {
        name: value for name, value in plan.facts(rows[0].place.index).items() if name not in ("class", "picture_sha256")
    }
    tuning = None if plan.tuning is None else dataclasses.asdict(plan.tuning)
    shared |= {"through": ", ".join(route.name for route in plan.routes) or None, "tuning": tuning}
    skipped = [f"- {reason}" for reason in plan.photos.skipped.values()]
    lines = [
        *front_matter(("stylegan2", "gan-inversion"), plan.config.model),
        f"# {len(rows)} photograph{'s' * (len(rows) != 1)} in `{plan.config.model}`",
        "",
        "Styles found by optimisation (Karras et al. 2020, arXiv:1912.04958, appendix D)"
        + (", the generator tuned around them (Roich et al. 2021, arXiv:2106.05744)." if plan.tuning else "."),
        "",
        "![photographs and what they have become](sheet.png)",
        "",
        *_table(rows),
        "",
        f"RMSE is of pixels in [-1, 1]; the perceptual distance is that of `{plan.perception.name}`, which was minimised; "
        f"the cosine is by `{plan.judge.name}`, which had no part in it. All are of pictures of 8 bits.",
        "",
        *(["## Left out", "", *skipped, ""] if skipped else []),
        "## Settings",
        "",
        *(f"- {name.replace('_', ' ')}: {_plain(value)}" for name, value in shared.items() if value is not None),
        "",
        *_use(rows, plan),
    ]
    return "\n".join(lines)


def _plain(value: Any) -> str:
    if not isinstance(value, dict):
        return f"`{value}`"
    return ", ".join(f"{name.replace('_', ' ')} `{part}`" for name, part in value.items() if part is not None)


def _table(rows: list[Row]) -> list[str]:
    head = "| photograph | class | | RMSE | perceptual distance | judge's cosine |"
    lines = [head, "|---|---|---|---:|---:|---:|"]
    for row in rows:
        for name, errors in row.errors.items():
            kind = row.class_name or ""
            numbers = f"{errors.pixel_rmse:.4f} | {errors.perceptual:.4f} | {errors.judge_cosine:.4f}"
            lines.append(f"| {row.place.name} | {kind} | {name} | {numbers} |")
    return lines


def _use(rows: list[Row], plan: Plan) -> list[str]:
    name = rows[0].place.name
    return [
        "## Use",
        "",
        "```python",
        "import nada",
        "from nada.inversion import load_inversion",
        f'inversion = load_inversion("{HERE}/{name}")',
        f'generator = nada.load_generator("{plan.config.model}")',
        'picture = generator.synthesize(inversion.w, inversion.noise or "const")',
        "```",
        "",
        WHOSE,
        "",
    ]


def _record(plan: Plan, rows: list[Row]) -> dict[str, Any]:
    return {
        "command": "invert",
        "options": to_json(plan.config),
        "model_sha256": plan.sha256,
        "perception": plan.perception.describe(),
        "judge": plan.judge.describe(),
        "photographs": {row.place.name: _facts(row) for row in rows},
        "skipped": plan.photos.skipped,
        "environment": describe_environment(),
    }


def _facts(row: Row) -> dict[str, Any]:
    plan, index = row.place.plan, row.place.index
    return {
        "file": str(plan.photos.paths[index]),
        "class": row.class_name,
        "class_given": plan.classes[index] is not None,
        "steps": len(row.inversion.losses[0]),
        "loss": row.inversion.losses[0][-1],
        "styles": FILE,
        "errors": {name: errors._asdict() for name, errors in row.errors.items()},
    }
