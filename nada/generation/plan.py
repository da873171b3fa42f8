"""From options to what is to be made: the generator, the look, the seeds, the files."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nada import __version__
from nada.checkpoints.registry import BUNDLED
from nada.config.generate import GenerateConfig
from nada.errors import NadaError, UsageError
from nada.generation.finding import check_looked_at
from nada.generation.keeping import read_search, read_settings
from nada.generation.painter import Painter, load_painter
from nada.generation.recipe import Recipe
from nada.generation.seeds import Seeds, parse_seeds
from nada.precision import compute_exactly
from nada.runs import find_run, pick_device, slugify

DEFAULT_SEEDS = "0-15"
MOST_STRENGTH = 100.0
_OF_SEARCH = ("source", "of", "best", "optimise", "clip", "judge")


@dataclass(frozen=True)
class Column:
    """One strength that every seed's picture is made at: the end of its file's name, and what a sheet calls it."""

    suffix: str
    strength: float | None
    title: str = ""


@dataclass(frozen=True)
class Plan:
    """What one command makes. `look` is the recipe of all pictures but for seed, condition and strength."""

    config: GenerateConfig
    painter: Painter
    look: Recipe
    seeds: Seeds
    columns: tuple[Column, ...]
    out: Path
    like: tuple[Recipe, dict[str, Any]] | None = None

    def recipe(self, seed: int, column: Column | None = None) -> Recipe:
        """The picture of a seed, in a column or at the strength of the look."""
        fixed = self.config.like is not None and not self.config.classes
        condition = self.look.condition if fixed else self.painter.conditions.of(seed)
        strength = self.look.strength if column is None else column.strength
        return dataclasses.replace(self.look, seed=seed, condition=condition, strength=strength)

    @property
    def batch(self) -> int:
        """How many pictures are handed on at a time: whole blocks, so that none is computed for nothing."""
        rows = self.painter.rows
        return -(-self.config.batch // rows) * rows

    def notes(self, recipe: Recipe | None = None) -> dict[str, Any]:
        """What is written into every file beside its recipe: by what it was made.

        For the very picture that is made again also how it was found, so that the file becomes the same.
        """
        painter = self.painter
        made_by = {
            "nada": __version__,
            "torch": torch.__version__,
            "device": str(painter.device),
            "kernels": painter.kernels,
        }
        again = self.like is not None and recipe is not None and recipe == self.like[0]
        return {**({"search": self.like[1]} if again and self.like and self.like[1] else {}), "made_by": made_by}


def make_plan(config: GenerateConfig) -> Plan:
    """Load what `config` names and settle every default.

    Raises:
        UsageError: for options that make no sense, or not together.
        NadaError: for generators, guides and pictures that cannot be had.
    """
    _check(config)
    like, kept = read_settings(config.like) if config.like is not None else (None, {})
    seeds = _seeds(config, like)
    if config.prompt is not None:
        check_looked_at(len(seeds))
    spec = _spec(config, like)
    device = pick_device(config.device)
    compute_exactly(device)
    precision = config.precision or (like.precision if like else "fp32")
    classes = config.classes or ((like.condition,) if like and like.condition is not None else ())
    painter = load_painter(spec, classes, device, precision)
    if like is not None and config.model is None and painter.sha256 != like.sha256:
        raise NadaError(
            f"{spec} is another generator than the {like.model} that {config.like} was made with (their weights differ); "
            "give that one with --model, or this one by --model to make a new picture."
        )
    look = _look(config, like, painter)
    columns = _columns(config, like, painter)
    look = dataclasses.replace(look, strength=columns[-1].strength)
    out = Path(config.out).expanduser() if config.out else Path("generated") / _folder_name(config, look, columns)
    return Plan(
        config, painter, look, seeds, columns, out, None if like is None else (like, read_search(kept.get("search")))
    )


def _check(config: GenerateConfig) -> None:
    if config.batch < 1:
        raise UsageError(f"--batch is 1 or more, not {config.batch}.")
    if (config.mix_rows is None) != (config.mix_cols is None):
        raise UsageError("--mix-rows and --mix-cols belong together: a table has both.")
    tasks = {"--prompt": config.prompt, "--mix-rows": config.mix_rows}
    asked = [name for name, value in tasks.items() if value is not None]
    if len(asked) > 1:
        raise UsageError("--prompt searches and --mix-rows makes a table; give one of them.")
    several = "--paired" if config.paired else "several strengths" if len(config.strength) > 1 else ""
    if asked and several:
        raise UsageError(f"{asked[0]} and {several} do not go together; make the pictures again with --like.")
    if config.mix_rows is not None and (config.seeds, config.num) != (None, None):
        raise UsageError("--mix-rows and --mix-cols are the seeds of a table; leave --seeds and --num out.")
    _refuse_idle(config)


def _refuse_idle(config: GenerateConfig) -> None:
    """Raise UsageError for an option that would change nothing, which is a mistake or a forgotten one beside it."""
    usual = GenerateConfig()
    changed = [name for name in (*_OF_SEARCH, "mix_layers") if getattr(config, name) != getattr(usual, name)]
    if config.prompt is None and changed and changed[0] in _OF_SEARCH:
        raise UsageError(f"--{changed[0]} is a part of a search and needs a --prompt.")
    if config.mix_rows is None and "mix_layers" in changed:
        raise UsageError("--mix-layers needs --mix-rows and --mix-cols.")
    if "of" in changed and (config.seeds, config.num) != (None, None):
        raise UsageError("--of N looks at the seeds 0 to N - 1; give it, or --seeds or --num, not both.")


def _seeds(config: GenerateConfig, like: Recipe | None) -> Seeds:
    if config.seeds is not None and config.num is not None:
        raise UsageError("--num N stands for the seeds 0 to N - 1; give it or --seeds, not both.")
    if config.num is not None:
        if config.num < 1:
            raise UsageError(f"--num is 1 or more, not {config.num}.")
        return parse_seeds(f"0-{config.num - 1}", "--num")
    if config.seeds is not None:
        return parse_seeds(config.seeds).unique()
    if like is not None:
        return Seeds([range(like.seed, like.seed + 1)])
    if config.prompt is None:
        return parse_seeds(DEFAULT_SEEDS)
    if config.of < 1:
        raise UsageError(f"--of is 1 or more, not {config.of}.")
    check_looked_at(config.of)
    return parse_seeds(f"0-{config.of - 1}", "--of")


def _spec(config: GenerateConfig, like: Recipe | None) -> str:
    """The generator as the files will name it: from where one stands, and no "latest", which soon is another one."""
    spec = config.model
    if spec is None and like is not None:
        return _spec_from_file(like.model, Path(str(config.like)))
    if spec == "latest":
        return str(find_run("latest"))
    return spec or "demo"


def _spec_from_file(spec: str, picture: Path) -> str:
    """What a picture names, which may be anybody's: nothing is fetched for it, and only files and folders are opened.

    A path is looked for from here and from the folders above the picture.
    """
    if spec.startswith(("hf:", "//", "\\\\")):
        raise NadaError(f"{picture} was made with {spec}; if you trust that, give it as --model {spec}.")
    if spec in BUNDLED or Path(spec).is_absolute():
        return spec
    for folder in (Path("."), *picture.absolute().parents):
        if (folder / spec).is_file() or (folder / spec).is_dir():
            return str(folder / spec)
    if Path(spec).name == spec:
        return spec  # a known name
    raise NadaError(f"{picture} was made with {spec}, which is not here; give the generator with --model.")


def _look(config: GenerateConfig, like: Recipe | None, painter: Painter) -> Recipe:
    """The settings of all pictures: those asked for, else those of the picture that shall be made again."""
    start = like or Recipe(painter.spec, painter.sha256, 0)
    asked = {
        "truncation": config.truncation,
        "truncation_cutoff": config.truncation_cutoff,
        "truncation_centre": config.truncation_centre,
        "noise": config.noise,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    # A picture that is made again keeps the name it has for its generator, as long as that is the same one.
    model = like.model if like is not None and like.sha256 == painter.sha256 else painter.spec
    look = dataclasses.replace(start, model=model, sha256=painter.sha256, precision=painter.precision, **given)
    if not math.isfinite(look.truncation) or abs(look.truncation) > MOST_STRENGTH:
        raise UsageError(f"--truncation is a number such as 0.7, not {look.truncation}.")
    layers = painter.generator.num_ws
    if look.truncation_cutoff is not None and not 0 <= look.truncation_cutoff <= layers:
        raise UsageError(f"--truncation-cutoff is 0 to {layers} for this generator, not {look.truncation_cutoff}.")
    return look


def _columns(config: GenerateConfig, like: Recipe | None, painter: Painter) -> tuple[Column, ...]:
    asked = list(dict.fromkeys(config.strength)) or [like.strength if like else None]
    for strength in asked:
        if strength is not None and (not math.isfinite(strength) or abs(strength) > MOST_STRENGTH):
            raise UsageError(f"--strength is a number such as 0.5, not {strength}.")
    if config.paired:
        if len(asked) > 1:
            raise UsageError(
                "--paired shows one strength beside the source; give one --strength, or several without --paired."
            )
        painter.check_strength(0.0)
        return Column("-before", 0.0, "before"), Column("-after", painter.check_strength(asked[0]), "after")
    if len(asked) > 1:
        return tuple(Column(f"-strength{s:.10g}", painter.check_strength(s), f"{s:g}") for s in asked)
    return (Column("", painter.check_strength(asked[0])),)


def _folder_name(config: GenerateConfig, look: Recipe, columns: tuple[Column, ...]) -> str:
    """A name that says what is not as usual, so that other settings go to another folder."""
    path = Path(look.model)
    name = path.name if path.name != "adaptation.safetensors" else path.absolute().parent.name
    several = len(columns) > 1 and not config.paired
    parts = [
        *(config.classes or filter(None, [look.condition])),
        f"psi{look.truncation:g}" if look.truncation != 1 else "",
        f"layers{look.truncation_cutoff}" if look.truncation_cutoff is not None else "",
        "own-mean" if look.truncation_centre == "condition" else "",
        f"noise-{look.noise}" if look.noise != "const" else "",
        "paired" if config.paired else "",
        "strengths" if several else f"strength{look.strength:g}" if look.strength not in (None, 1.0) else "",
        f"mix{look.mix.seed}" if look.mix else "",
        "moved" if look.offset else "",
        look.precision if look.precision != "fp32" else "",
        config.prompt or "",
    ]
    return "-".join(slugify(part, 40) for part in (name, *parts) if part)
