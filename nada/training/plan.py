"""From options to everything that a training needs: data, network sizes and recipe, with every option checked."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from nada.checkpoints import load_generator
from nada.config.train import TrainConfig
from nada.data import ImageDataset
from nada.errors import UsageError
from nada.models import DiscriminatorConfig, Generator, GeneratorConfig, default_channels
from nada.runs import pick_device
from nada.training.augmentation import KINDS
from nada.training.loop import Recipe
from nada.training.state import TrainingState, create_state, state_of

DEFAULT_KIMG = 100.0
_POSITIVE = ("batch", "lr", "r1_interval", "z_dim", "w_dim", "mapping_layers", "ada_kimg", "snapshot_kimg")
_NOT_NEGATIVE = ("gamma", "ema_kimg", "seed")


@dataclass(frozen=True)
class Plan:
    """What is going to be trained, on what, how and for how many steps."""

    data: ImageDataset
    generator: GeneratorConfig
    discriminator: DiscriminatorConfig
    recipe: Recipe
    steps: int
    snapshot_steps: int
    device: torch.device


def check_options(config: TrainConfig) -> None:
    """Raise UsageError for a value that makes no sense, before anything is read."""
    for name in (*_POSITIVE, *_NOT_NEGATIVE):
        value = getattr(config, name)
        if not (value > 0 or (value == 0 and name in _NOT_NEGATIVE)):
            least = "positive" if name in _POSITIVE else "at least 0"
            raise UsageError(f"--{name.replace('_', '-')} must be {least}, not {value}.")
    if config.kimg is not None and not config.kimg > 0:
        raise UsageError(f"--kimg must be positive, not {config.kimg}.")
    if not 0 <= config.mixing <= 1:
        raise UsageError(f"--mixing is a probability from 0 to 1, not {config.mixing}.")
    if config.size < 4 or config.size & (config.size - 1):
        raise UsageError(f"--size must be a power of two of at least 4, not {config.size}.")
    parse_channels(config.channels, config.size)
    parse_kinds(config.augment_kinds)


def make_plan(config: TrainConfig, data: ImageDataset, initial: Generator | None = None) -> Plan:
    """Bring options and data together. Raises UsageError where they do not fit."""
    data = _with_conditions(config, data)
    names = data.class_names
    if initial is not None:
        generator = initial.config
        _check_initial(generator, config, len(names))
    else:
        channels = parse_channels(config.channels, config.size)
        generator = GeneratorConfig(
            config.size, channels, config.z_dim, config.w_dim, config.mapping_layers, len(names), names
        )
    widths = parse_channels(config.d_channels, config.size) if config.d_channels else generator.channels
    discriminator = DiscriminatorConfig(config.size, widths, len(names), mapping_layers=config.mapping_layers)
    device = pick_device(config.device)
    steps = steps_of(config.kimg or DEFAULT_KIMG, config.batch)
    snapshot_steps = steps_of(config.snapshot_kimg, config.batch)
    return Plan(data, generator, discriminator, _recipe(config, device), steps, snapshot_steps, device)


def initial_generator(config: TrainConfig) -> Generator | None:
    """The generator of --init, or None. Raises NadaError where it cannot be read."""
    return load_generator(config.init) if config.init else None


def start(plan: Plan, config: TrainConfig, initial: Generator | None = None) -> TrainingState:
    """Networks at step 0: fresh ones, or with --init the given generator against a fresh discriminator."""
    state = create_state(plan.generator, plan.discriminator, config.lr, config.seed, plan.device)
    return state if initial is None else state_of(initial, state.discriminator, config.lr, plan.device)


def steps_of(kimg: float, batch: int) -> int:
    """Steps that show `kimg` thousand pictures, at least one."""
    return max(1, round(kimg * 1000 / batch))


def parse_channels(text: str, resolution: int) -> tuple[int, ...]:
    """Widths per block, 4 px first, from `64`, `128,128,64` or `16384/512`. Raises UsageError for anything else."""
    numbers = [int(part) if part.strip().isdecimal() else 0 for part in text.replace("/", ",").split(",")]
    if min(numbers) < 1:
        raise UsageError(f"--channels is a width, widths separated by commas, or BASE/MAX; not {text!r}.")
    if "/" in text:
        return _tapered(text, numbers, resolution)
    count = len(default_channels(resolution))
    widths = tuple(numbers) * count if len(numbers) == 1 else tuple(numbers)
    if len(widths) != count:
        raise UsageError(f"--channels needs one number or {count} of them for {resolution} px, not {text!r}.")
    return widths


def _tapered(text: str, numbers: list[int], resolution: int) -> tuple[int, ...]:
    if len(numbers) != 2 or numbers[0] < resolution:
        raise UsageError(f"--channels BASE/MAX needs two numbers and a BASE of at least {resolution}, not {text!r}.")
    return default_channels(resolution, *numbers)


def parse_kinds(text: str) -> tuple[str, ...]:
    """Names of transforms separated by commas. Raises UsageError for an unknown one."""
    kinds = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise UsageError(f"--augment-kinds takes some of {', '.join(KINDS)}, separated by commas; not {text!r}.")
    return kinds


def _with_conditions(config: TrainConfig, data: ImageDataset) -> ImageDataset:
    if config.cond == "none":
        return data.without_classes()
    if config.cond == "class" and data.labels is None:
        raise UsageError("--cond class needs labelled data: a folder for each class, or a dataset.json with labels.")
    return data


def _check_initial(generator: GeneratorConfig, config: TrainConfig, classes: int) -> None:
    if generator.resolution != config.size:
        raise UsageError(f"--init is a generator of {generator.resolution} px; give --size {generator.resolution}.")
    if generator.num_classes != classes:
        raise UsageError(
            f"--init has {generator.num_classes} classes and the data {classes}; use other data or another --cond."
        )


def _recipe(config: TrainConfig, device: torch.device) -> Recipe:
    bf16 = config.precision == "bf16"
    if config.precision == "auto":
        bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return Recipe(
        batch=config.batch,
        gamma=config.gamma,
        r1_interval=config.r1_interval,
        ema_kimg=config.ema_kimg,
        mixing=config.mixing,
        augment=config.augment,
        augment_kinds=parse_kinds(config.augment_kinds),
        ada_kimg=config.ada_kimg,
        bf16=bf16,
        seed=config.seed,
    )
