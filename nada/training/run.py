"""`run_training`: a training that owns a run folder, can be stopped at any step and goes on from there."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from nada.clip import load_encoder
from nada.config.fields import from_json, read_options
from nada.config.resuming import asked_otherwise
from nada.config.train import TrainConfig
from nada.errors import NadaError, UsageError
from nada.files import read_json
from nada.processes import Share, joined, own_device
from nada.runs import Interrupts, create_run, describe_environment, load_state, save_tensors, write_json
from nada.training.folder import CHECKPOINT, check_length, find_checkpoint, finished_result, record_length, remove_halves
from nada.training.initial import freezing, load_initial, start
from nada.training.loop import train
from nada.training.material import Material, Progress, load_material
from nada.training.options import check_options, check_size
from nada.training.plan import DEFAULT_KIMG, Plan, describe_plan, make_plan, recorded_networks
from nada.training.recorder import Recorder
from nada.training.size import settle_size
from nada.training.state import TrainingState
from nada.training.update import TrainingDiverged
from nada.training.watch import Watch

# What may differ between a run and its continuation; where it stands is not part of what it computes.
_FREE = ("kimg", "duration", "resume", "out", "device", "dry_run", "data")
_SETTLED = ("cond", "precision")  # recorded as what "auto" came to
_REASONS = ("finished", "duration", "interrupted")  # the later one wins where processes end for several
_NOT_RECORDED = ("resume", "out", "dry_run", "duration")

Say = Callable[[str], None]


class TrainingOutcome(NamedTuple):
    """Where the run is, what `result.json` says, and why it is over: "finished", "interrupted" or "duration"."""

    folder: Path
    ended: str
    result: dict[str, Any]

    @property
    def finished(self) -> bool:
        """Whether the run reached its last step."""
        return self.ended == "finished"


def run_training(
    config: TrainConfig, say: Say = print, bar: Progress | None = None, given: Collection[str] = ()
) -> TrainingOutcome | None:
    """Train as the options say; None after a dry run, and in every process but the first that torchrun started.

    The folder always holds a state to resume from: the last snapshot, or the last step when stopped by a signal,
    by --duration or at the end. `say` is given one-line messages; `bar` wraps the reading of pictures;
    `given` names the options that were written out, so that a resumed run cannot pass over them.

    Raises:
        UsageError: for options that make no sense or do not fit the data or the run resumed.
        NadaError: for data or checkpoints that cannot be used, and TrainingDiverged (a NadaError) when a loss stops
            being a number; the state of the last snapshot is kept.
    """
    started = time.perf_counter()
    folder, checkpoint = find_checkpoint(config.resume, config.out) if config.resume else (None, None)
    if folder is not None:
        config = resumed_config(config, read_options(TrainConfig, folder / "config.json"), given)
    check_options(config)
    device = own_device(config.device)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True  # the shapes of a step never change
        torch.backends.cudnn.allow_tf32 = False  # what is float32 here is so on purpose: penalties, and --precision fp32
    with joined(device, "--resume goes on from the last saved state") as share:
        say = say if share.rank == 0 else _say_nothing
        plan, state = _prepare(config, device, folder, share, say, bar if share.rank == 0 else None)
        if config.dry_run:
            return None
        if checkpoint is not None:
            state.load_state_dict(load_state(checkpoint))
            say(f"resuming {folder} at step {state.step}")
            check_length(folder, state.step, plan.steps)
        if share.rank != 0:
            _follow(plan, state, share, started)
            return None
        if folder is None:
            folder = _begin(plan, state)
            say(f"run: {folder}")
        elif (result := finished_result(folder, state.step, plan.steps)) is not None:
            say(f"already finished: {state.step} steps; --kimg above {plan.kimg(state.step):g} trains it further: {folder}")
            return TrainingOutcome(folder, "finished", result)
        else:
            record_length(folder, plan.config)
        remove_halves(folder)
        return _lead(folder, plan, state, share, started, say)


def resumed_config(asked: TrainConfig, options: dict[str, Any], given: Collection[str] = ()) -> TrainConfig:
    """The options of a run as recorded, with what may change taken from `asked`.

    Raises UsageError where another option is asked for, by a value that is no default or that is in `given`.
    """
    saved = from_json(TrainConfig, options)
    changed = {name: getattr(asked, name) for name in asked_otherwise(asked, saved, given)}
    for name, value in changed.items():
        if name not in _FREE and not (name in _SETTLED and value == "auto"):
            flag = name.replace("_", "-")
            raise UsageError(
                f"--{flag} cannot change when a run is resumed: it is {getattr(saved, name)}, not {value}; "
                "a new run can start from the weights of an old one with --init."
            )
    free = {name: value for name, value in changed.items() if name in _FREE}
    return replace(saved, **{**free, "out": asked.out})


def _prepare(
    config: TrainConfig, device: torch.device, folder: Path | None, share: Share, say: Say, bar: Progress | None
) -> tuple[Plan, TrainingState]:
    """Read what the options name, settle the plan, and build the networks."""
    initial = load_initial(config) if folder is None else None
    config, size_from = settle_size(config, initial)
    check_size(config, config.size)
    material = load_material(config, device, folder, bar)
    if folder is None:
        plan = make_plan(config, material, device, initial.sizes if initial else None, share.world)
        state = start(plan, initial)
    else:
        record = read_json(folder / "config.json")
        _check_data(material, record, folder)
        plan = make_plan(config, material, device, recorded_networks(record), share.world)
        state = start(plan)
    for line in describe_plan(plan, _sizes(state), size_from):
        say(line)
    if initial is not None:
        say(initial.note)
    return freezing(plan, state), state


def _sizes(state: TrainingState) -> tuple[int, int]:
    networks = state.generator, state.discriminator
    generator, discriminator = (sum(p.numel() for p in network.parameters()) for network in networks)
    return generator, discriminator


def _say_nothing(line: str) -> None:
    """What the other processes say."""


def _begin(plan: Plan, state: TrainingState) -> Path:
    """A new run folder with its options and the state of step 0, so that it can be resumed from the start."""
    config = plan.config
    options = {key: value for key, value in asdict(config).items() if key not in _NOT_RECORDED}
    # What was chosen here must hold wherever the run goes on.
    options |= {"data": str(Path(config.data or "").resolve()), "kimg": config.kimg or DEFAULT_KIMG}
    options |= {"cond": plan.material.condition, "precision": plan.recipe.dtype}
    folder = create_run(config.out, f"train-{Path(options['data']).stem}-{config.size}px")
    if plan.material.captions is not None:
        plan.material.captions.save(folder)
    record = {
        "command": "train",
        "options": options,
        "data": plan.material.describe(),
        "generator": plan.generator.to_dict(),
        "discriminator": plan.discriminator.to_dict(),
        "environment": describe_environment(),
    }
    write_json(folder / "config.json", record)
    save_tensors(folder / CHECKPOINT, state.state_dict())
    return folder


def _check_data(material: Material, recorded: dict[str, Any], folder: Path) -> None:
    if material.describe()["sha256"] != recorded["data"]["sha256"]:
        raise NadaError(f"the pictures are not those that {folder} was trained on; name the right ones with --data.")


def _watch(plan: Plan) -> Watch | None:
    if plan.config.metrics == "none":
        return None
    judge = load_encoder(plan.config.metrics, plan.device)
    captions = plan.generator.prompts if plan.material.captions is not None else ()
    return Watch(judge, plan.material.reference, plan.config.metrics_num, captions)


class _End:
    """Says after every step whether it was the last one, in all processes alike."""

    def __init__(self, plan: Plan, share: Share, started: float, interrupts: Interrupts) -> None:
        self._limit = started + 60 * plan.config.duration if plan.config.duration else float("inf")
        self._share, self._interrupts = share, interrupts
        self.reason = "finished"

    def reached(self) -> bool:
        """Whether a process was told to stop, or time is up."""
        mine = 2 if self._interrupts.requested else int(time.perf_counter() > self._limit)
        self.reason = _REASONS[self._share.largest(mine)]
        return self.reason != "finished"


def _follow(plan: Plan, state: TrainingState, share: Share, started: float) -> None:
    """Take part without writing anything."""
    with Interrupts() as interrupts:
        end = _End(plan, share, started, interrupts)
        train(state, plan.material.shown, plan.recipe, plan.steps, lambda state, scalars: end.reached(), share)


def _lead(folder: Path, plan: Plan, state: TrainingState, share: Share, started: float, say: Say) -> TrainingOutcome:
    """Train, and write down what comes of it."""
    with Interrupts() as interrupts, Recorder(folder, plan, state, _watch(plan), say) as recorder:
        end = _End(plan, share, started, interrupts)

        def on_step(state: TrainingState, scalars: dict[str, float]) -> bool:
            recorder.step(state, scalars)
            return end.reached()

        try:
            train(state, plan.material.shown, plan.recipe, plan.steps, on_step, share)
        except TrainingDiverged:
            say(f"the state of step {recorder.saved_step} is kept in {folder}; go on from its weights with --init {folder}")
            raise
        ended = "finished" if state.step >= plan.steps else end.reason
        result = recorder.finish(state, ended)
    best = result["best"]
    if best:
        distance = result["measured"]["distance"]
        say(f"best: {best['kimg']:.1f} thousand pictures, {distance} {best[distance]:.4f}: {folder / 'best'}")
    say(f"step {state.step} of {plan.steps}: {folder}")
    return TrainingOutcome(folder, ended, result)
