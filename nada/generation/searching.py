"""`nada generate --prompt`: the best pictures as files with their scores, a contact sheet, and what the judge says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from nada.errors import UsageError
from nada.generation.finding import LOOK, Found, Search, doubts
from nada.generation.plan import Plan
from nada.generation.recipe import Recipe
from nada.generation.sheets import contact_sheet
from nada.generation.writing import Writer, own_folder, survey
from nada.images import save_png

MOST_STEPS = 10_000


def run_search(plan: Plan, say: Callable[[str], None]) -> dict[str, Any]:
    """Find, move if that is asked for, write, and tell."""
    config = plan.config
    if config.best < 1:
        raise UsageError(f"--best is 1 or more, not {config.best}.")
    if not 0 <= config.optimise <= MOST_STEPS:
        raise UsageError(f"--optimise is 0 to {MOST_STEPS} steps, not {config.optimise}.")
    search = Search(plan.painter, config.prompt or "", config.source, config.clip, config.judge)
    say(search.headline())
    recipes = [plan.recipe(seed) for seed in plan.seeds]
    found = search.find(recipes, config.best, _bar)
    say(f'"{search.prompt}": the best {len(found)} of {len(recipes)} pictures')
    if config.optimise:
        found = [_moved(search, one, config.optimise, number) for number, one in enumerate(found, 1)]
    for number, one in enumerate(found, 1):
        say(_line(number, one))
    judge = search.judge.scorer.encoder.name if search.judge else ""
    for doubt in doubts(found, judge):
        say(doubt)
    records = tuple(_record(one, number) for number, one in enumerate(found, 1))
    return {**_write(plan, found), "found": records}


def _bar(starts: Sequence[int]) -> Iterable[int]:
    return tqdm(starts, "looking", unit_scale=LOOK, unit="img", disable=None, leave=False)


def _moved(search: Search, found: Found, steps: int, number: int) -> Found:
    with tqdm(total=steps, desc=f"moving {number}", unit="step", disable=None, leave=False) as bar:
        return search.refine(found, steps, lambda loss: bar.update())


def _line(number: int, one: Found) -> str:
    recipe = one.picture.recipe
    judged = f"{one.judge_score:.3f}, ahead of {one.ahead_of:.0%}" if one.judge_score is not None else ""
    if one.start is None:
        return f"{number:3d}  seed {recipe.seed} {recipe.condition or ''}  {one.score:.3f}" + (
            f"  judge {judged}" if judged else ""
        )
    before = f"  judge {one.start.judge_score:.3f} to {judged}" if judged else ""
    return (
        f"{number:3d}  seed {recipe.seed} {recipe.condition or ''}  {one.start.score:.3f} moved to {one.score:.3f}{before}"
    )


def _name(number: int, one: Found) -> str:
    moved = "-moved" if one.start else ""
    return f"best{number:02d}-seed{one.picture.recipe.seed:04d}{moved}-{one.score:.3f}.png"


def _write(plan: Plan, found: list[Found]) -> dict[str, Any]:
    """Each of the best, as it was found and as it was moved, and all of them on `best.png`."""
    files = {_name(number, one): one.picture for number, every in enumerate(found, 1) for one in (every.start, every) if one}
    wanted: dict[str, Recipe] = {name: picture.recipe for name, picture in files.items()}
    with own_folder(plan.out):
        done = survey(plan.out, wanted.get)
        with Writer() as writer:
            for name, picture in files.items():
                if name not in done:
                    writer.write(plan.out / name, picture.pixels, picture.recipe, {**picture.notes, **plan.notes()})
        return {"made": len(files) - len(done), "kept": len(done), "sheets": (_sheet(plan.out, found),)}


def _sheet(out: Path, found: list[Found]) -> Path:
    rows = [found] if not any(one.start for one in found) else [[one.start or one for one in found], found]
    cells = [one for row in rows for one in row]
    captions = [f"{one.picture.recipe.seed} · {one.score:.3f}{' moved' if one.start else ''}" for one in cells]
    width = len(found) if len(rows) > 1 else min(len(found), 10)
    return save_png(out / "best.png", contact_sheet([one.picture.pixels for one in cells], captions, width))


def _record(one: Found, number: int) -> dict[str, Any]:
    """One of the best for programs."""
    told = {"file": _name(number, one), "seed": one.picture.recipe.seed, "condition": one.picture.recipe.condition}
    told |= {"score": one.score, "judge_score": one.judge_score, "judge_ahead_of": one.ahead_of}
    return told | ({"score_before": one.start.score, "judge_score_before": one.start.judge_score} if one.start else {})
