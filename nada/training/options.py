"""The options of a training, checked one by one before anything is read."""

from __future__ import annotations

from nada.config.train import TrainConfig
from nada.errors import UsageError
from nada.models import default_channels
from nada.training.augmentation import KINDS

_POSITIVE = (
    *("batch", "lr", "d_lr", "r1_interval", "path_interval", "g_steps", "d_steps", "mbstd_group"),
    *("z_dim", "w_dim", "mapping_layers", "ada_kimg", "kimg", "duration"),
    *("snapshot_kimg", "samples_kimg", "metrics_kimg", "log_steps"),
)
_NOT_NEGATIVE = (
    *("gamma", "gradient_penalty", "path_length", "clip_norm", "warmup_kimg", "ema_kimg", "ema_rampup"),
    *("freeze_d", "keep", "seed"),
)
_SHARES = {"mixing": 1.0, "label_smoothing": 0.5, "holdout": 0.9}  # each from 0 to so much
_LEAST_METRICS = 2


def check_options(config: TrainConfig) -> None:
    """Raise UsageError for a value that makes no sense, before anything is read."""
    for name in (*_POSITIVE, *_NOT_NEGATIVE):
        value = getattr(config, name)
        if value is not None and not (0 < value < float("inf") or (value == 0 and name in _NOT_NEGATIVE)):
            least = "positive" if name in _POSITIVE else "at least 0"
            raise UsageError(f"--{_flag(name)} must be {least}, not {value}.")
    for name, most in _SHARES.items():
        if not 0 <= getattr(config, name) <= most:
            raise UsageError(f"--{_flag(name)} goes from 0 to {most:g}, not to {getattr(config, name)}.")
    if config.metrics_num < _LEAST_METRICS:
        raise UsageError(f"--metrics-num must be at least {_LEAST_METRICS}, not {config.metrics_num}.")
    _check_combinations(config)
    parse_kinds(config.augment_kinds)
    if config.size is not None:
        check_size(config, config.size)


def check_size(config: TrainConfig, size: int) -> None:
    """Raise UsageError for a size that no network has, or for widths that do not fit it."""
    if size < 4 or size & (size - 1):
        raise UsageError(f"--size must be a power of two of at least 4, not {size}.")
    parse_channels(config.channels, size)
    if config.d_channels is not None:
        parse_channels(config.d_channels, size, "--d-channels")


def _check_combinations(config: TrainConfig) -> None:
    if config.label_smoothing and config.loss != "logistic":
        raise UsageError(f"--label-smoothing goes with --loss logistic; {config.loss} knows no probabilities.")
    if config.loss == "wgan-gp" and config.augment == "ada":
        raise UsageError("--augment ada follows the sign of logits, which means nothing with wgan-gp; take diff or none.")
    if config.freeze_d and not config.init:
        raise UsageError("--freeze-d keeps what a discriminator has learnt; give one with --init.")
    if config.holdout and config.holdout_glob:
        raise UsageError("--holdout and --holdout-glob both say what is held out; give one of them.")


def _flag(name: str) -> str:
    return name.replace("_", "-")


def parse_channels(text: str, resolution: int, flag: str = "--channels") -> tuple[int, ...]:
    """Widths per block, 4 px first, from `64`, `128,128,64` or `16384/512`. Raises UsageError for anything else."""
    numbers = [int(part) if part.strip().isdecimal() else 0 for part in text.replace("/", ",").split(",")]
    if min(numbers) < 1:
        raise UsageError(f"{flag} is a width, widths separated by commas, or BASE/MAX; not {text!r}.")
    if "/" in text:
        if len(numbers) != 2 or numbers[0] < resolution:
            raise UsageError(f"{flag} BASE/MAX needs two numbers and a BASE of at least {resolution}, not {text!r}.")
        return default_channels(resolution, *numbers)
    count = len(default_channels(resolution))
    widths = tuple(numbers) * count if len(numbers) == 1 else tuple(numbers)
    if len(widths) != count:
        raise UsageError(f"{flag} needs one number or {count} of them for {resolution} px, not {text!r}.")
    return widths


def parse_kinds(text: str) -> tuple[str, ...]:
    """Names of transforms separated by commas. Raises UsageError for an unknown one."""
    kinds = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise UsageError(f"--augment-kinds takes some of {', '.join(KINDS)}, separated by commas; not {text!r}.")
    return kinds
