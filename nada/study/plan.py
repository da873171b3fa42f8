"""From options to a study: what all cells share, the grid, and everything that could be wrong with them said at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nada import ops
from nada.adaptation import plan as adapting
from nada.adaptation.precision import choose_precision
from nada.clip.prompts import check_prompts
from nada.config.adapt import AdaptConfig
from nada.config.study import StudyConfig
from nada.data.wording import plural
from nada.errors import UsageError
from nada.evaluation.pictures import Stored
from nada.evaluation.plan import default_judge
from nada.features import GuideFeatures, load_features
from nada.features.specs import parse_features
from nada.generation.seeds import parse_seeds
from nada.models import Generator
from nada.runs import describe_environment, pick_device
from nada.study.cell import Cell
from nada.study.grid import Grid, Rate
from nada.study.measuring import SIZE, Ruler
from nada.study.pairs import crossed, named, read_pairs
from nada.study.policies import default_policies, distinct
from nada.study.results import NONE, Pair
from nada.study.setup import Known, Setup

RATES = ("x0.25", "auto", "x4")  # too low, right, too high
STEPS, NUM, SEEDS = 200, 128, "0,1,2"
QUICK_POLICIES = (NONE, "early:2", "late:2", "all", "affine@all")
QUICK_RATES, QUICK_STEPS, QUICK_NUM, QUICK_SEEDS = ("auto",), 60, 64, "0,1"
QUICK_PAIR = Pair("photo", "pencil sketch")


@dataclass(frozen=True)
class Plan:
    """A study as it was asked for.

    Attributes:
        known: setup, the grid that was asked for, and facts for the report.
        device: "cpu", "cuda" or "cuda:1".
        ruler: measures; its generator and judge are on the CPU, as only an estimate needs them here.
    """

    config: StudyConfig
    known: Known
    device: str
    ruler: Ruler

    def headline(self) -> str:
        """One line for people: generator, guide, judge, device, kernels."""
        setup, network = self.known.setup, self.ruler.source.config
        size = ", ".join(filter(None, (f"{network.resolution} px", network.describe_conditions())))
        threads = f"{self.config.jobs} x {plural(setup.threads, 'thread')}"
        return (
            f"generator {setup.generator} ({size}), guide {' + '.join(setup.clip)}, judge {self.ruler.judge.name}, "
            f"{self.device} {setup.precision}, {threads}, {ops.describe(setup.device)}"
        )

    @property
    def judge_guides(self) -> bool:
        """Whether the judge is one of the guides, so that its numbers flatter whatever pleases that one."""
        setup = self.known.setup
        return setup.judged_by["sha256"] in [guide.get("sha256") for guide in setup.guides]

    def gridline(self) -> str:
        """One line about the grid."""
        grid = self.known.grid
        axes = (
            plural(len(grid.policies), "policy", "policies"),
            plural(len(grid.pairs), "pair"),
            plural(len(grid.rates), "learning rate"),
            plural(len(grid.seeds), "seed"),
        )
        return f"{plural(len(grid.cells()), 'cell')}: {' x '.join(axes)}, {grid.steps} steps of {self.known.setup.batch} pictures"


def make_study(config: StudyConfig, before: Known | None) -> Plan:
    """Load what `config` names and settle every default; what a study was begun with stays.

    Args:
        before: the study that is already in the folder.

    Raises:
        UsageError: for options that make no sense, or not together.
        NadaError: for generators, guides or pictures that cannot be had.
    """
    if config.jobs < 1 or (config.threads is not None and config.threads < 1):
        raise UsageError("--jobs and --threads are 1 or more.")
    device, precision = _machine(config, before)
    pairs, seeds = _pairs(config), _seeds(config)
    steps = config.steps if config.steps is not None else QUICK_STEPS if config.quick else STEPS
    first = _adaptation(config, pairs[0], precision, steps)
    generator, rule = first.generator, first.settings.lr
    pairs = tuple(dict.fromkeys(named(pair, generator.config) for pair in pairs))
    ruler, judge = _ruler(config, generator, first.guide.names)
    _read(config, ruler, pairs, precision, steps)
    layers = config.layers or (QUICK_POLICIES if config.quick else default_policies(generator))
    policies, aliases = distinct(generator, [*(before.grid.policies if before else ()), NONE, *layers])
    asked = {aliases.get(policy.strip(), policy.strip()) for policy in (NONE, *layers)}
    grid = Grid(tuple(p for p in policies if p in asked), pairs, _rates(config, rule), seeds, steps)
    setup = Setup(
        generator=first.config.generator,
        clip=config.clip,
        judge=judge,
        style_reference=config.style_reference and str(Path(config.style_reference).resolve()),
        generator_sha256=first.generator_sha256,
        guides=tuple(_facts(encoder) for encoder in first.guide.describe()["encoders"]),
        judged_by=_facts(ruler.judge.describe()),
        style_sha256=config.style_reference and Stored(config.style_reference, SIZE).describe()["sha256"],
        batch=config.batch,
        num=_num(config),
        precision=precision,
        device=torch.device(device).type,
        threads=_threads(config, before),
    )
    return Plan(config, Known(setup, grid, aliases, generator.block_names, _versions(device)), device, ruler)


def adapt_config(cell: Cell, setup: Setup, device: str, out: Path) -> AdaptConfig:
    """The options of `nada adapt` that make a cell. The judge measures, so it may not choose, and is not asked."""
    return AdaptConfig(
        source=cell.source, target=cell.target, generator=setup.generator, classes=cell.classes, clip=setup.clip,
        layers=cell.policy, steps=cell.steps, batch=setup.batch, lr=cell.lr, seed=cell.seed or 0, judge="none", stop=False,
        device=device, precision=setup.precision, sample_every=cell.steps, checkpoint_every=cell.steps, out=str(out),
    )  # fmt: skip


def _machine(config: StudyConfig, before: Known | None) -> tuple[str, str]:
    """Device and precision; a study that goes on keeps its own where none is asked for."""
    then = before.setup if before else None
    remote = config.ray not in (None, "local") and config.device != "auto"
    name = then.device if then and config.device == "auto" else config.device
    device = torch.device(name) if remote else pick_device(name)
    if config.precision != "auto":
        return str(device), config.precision
    if remote and device.type == "cuda" and not torch.cuda.is_available():
        raise UsageError("This machine cannot tell what the cluster's GPUs are fast with; give --precision bf16 or fp16.")
    return str(device), then.precision if then else choose_precision(device)


def _threads(config: StudyConfig, before: Known | None) -> int:
    if config.threads is not None:
        return config.threads
    return before.setup.threads if before else max(1, torch.get_num_threads() // config.jobs)


def _pairs(config: StudyConfig) -> tuple[Pair, ...]:
    if (config.source is None) != (config.target is None):
        raise UsageError("--source and --target belong together: a direction in words has two ends.")
    given = [] if config.source is None else [Pair(*check_prompts(config.source, config.target or ""))]
    given += read_pairs(config.pairs) if config.pairs else []
    if not given and not config.quick:
        raise UsageError('Say where to go: --source "photo" --target "pencil sketch", or --pairs FILE.')
    return tuple(crossed(given or [QUICK_PAIR], config.classes))


def _seeds(config: StudyConfig) -> tuple[int, ...]:
    usual = QUICK_SEEDS if config.quick else SEEDS
    seeds = parse_seeds(usual if config.seeds is None else config.seeds)
    if len(seeds) > 1000:
        raise UsageError(f"--seeds names {len(seeds)} seeds; a thousand adaptations of each kind are more than enough.")
    return tuple(dict.fromkeys(seeds))


def _num(config: StudyConfig) -> int:
    return config.num if config.num is not None else QUICK_NUM if config.quick else NUM


def _rates(config: StudyConfig, rule: float) -> tuple[Rate, ...]:
    words = [word.strip() for text in config.lr for word in text.split(",")]
    asked = words or list(QUICK_RATES if config.quick else RATES)
    found = {rate.lr: rate for rate in (_rate(word, rule) for word in reversed(asked))}
    return tuple(dict.fromkeys(found[_rate(word, rule).lr] for word in asked))


def _rate(word: str, rule: float) -> Rate:
    try:
        lr = rule if word == "auto" else rule * float(word[1:]) if word.startswith("x") else float(word)
    except ValueError:
        lr = math.nan
    if not (math.isfinite(lr) and lr > 0):
        raise UsageError(f"--lr {word!r} is no learning rate; write auto, a multiple of it as x0.5, or a number as 0.002.")
    return Rate(lr, word)


def _adaptation(config: StudyConfig, pair: Pair, precision: str, steps: int) -> adapting.Plan:
    """What `nada adapt` would do for a pair, with all its checks and warnings."""
    options = AdaptConfig(
        source=pair.source, target=pair.target, generator=config.generator, classes=pair.classes, clip=config.clip,
        steps=steps, batch=config.batch, judge="none", device="cpu", precision=precision,
    )  # fmt: skip
    return adapting.make_plan(options)


def _read(config: StudyConfig, ruler: Ruler, pairs: Sequence[Pair], precision: str, steps: int) -> None:
    """Let guide and judge read every pair, which raises or warns where they cannot make sense of it."""
    for index, pair in enumerate(pairs):
        ruler.words(pair)
        if index and pair[:2] not in [other[:2] for other in pairs[:index]]:
            _adaptation(config, pair, precision, steps)


def _ruler(config: StudyConfig, generator: Generator, guides: Sequence[str]) -> tuple[Ruler, str]:
    spec = default_judge(guides) if config.judge == "auto" else config.judge
    if parse_features(spec).kind != "guide":
        raise UsageError(f"--judge {spec} reads no words; give a guide such as demo-judge or ViT-B-32/openai.")
    judge = load_features(spec)
    assert isinstance(judge, GuideFeatures)
    return Ruler(generator, judge, _num(config)), spec


def _facts(description: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in description.items() if name != "file"}


def _versions(device: str) -> dict[str, Any]:
    environment = describe_environment()
    facts = {"python": environment["python"], "platform": environment["platform"], **environment["packages"]}
    return {**facts, "kernels": ops.describe(torch.device(device).type)}
