"""Options that make no sense, or not together: told before anything is loaded. None is ignored without a word."""

from __future__ import annotations

from nada.config.evaluate import EvaluateConfig
from nada.data.fitting import Fit
from nada.errors import UsageError
from nada.evaluation.origin import Origin
from nada.evaluation.subjects import OF_BEFORE, is_pictures, own_data

_OF_WORDS = ("words", "templates", "direction")
_OF_LPIPS = ("lpips", "change")


def is_lpips(spec: str) -> bool:
    """Whether `--features SPEC` compares two pictures, and has no features that distances are of."""
    return spec.startswith("lpips")


def check_options(config: EvaluateConfig, spec: str, origin: Origin, needs: set[str], strict: bool) -> None:
    """Raise UsageError where an option cannot be, or nothing would come of it.

    Args:
        spec: what is judged.
        needs: what the metrics need, keys of `nada.evaluation.sight.NEEDS`.
        strict: whether the metrics were asked for by name.
    """
    if config.batch < 1:
        raise UsageError(f"--batch is 1 or more, not {config.batch}.")
    Fit(config.size)  # refuses a size that cannot be
    if strict:
        _check_needed(config, needs)
    _check_files(config, spec, origin)
    if config.source is not None:
        _check_source(config, spec, origin)


def _check_needed(config: EvaluateConfig, needs: set[str]) -> None:
    """Metrics that were asked for by name need everything that was named beside them."""
    lpips = next(filter(is_lpips, config.features), None)
    against = None if config.against == "none" else config.against
    given = {
        f"--reference {config.reference}": (config.reference, ("reference",)),
        f"--against {against}": (against, OF_BEFORE),
        f"--prompt {config.prompt!r}": (config.prompt, _OF_WORDS),
        f"--source {config.source!r}": (config.source, ("direction",)),
        f"--features {lpips}": (lpips, _OF_LPIPS),
    }
    for option, (value, uses) in given.items():
        if value is not None and not needs & set(uses):
            raise UsageError(f"--metrics {config.metrics} makes no use of {option}; leave one of them out.")


def _check_files(config: EvaluateConfig, spec: str, origin: Origin) -> None:
    """Options for generators where there is none, and for files where there are none."""
    stored = config.reference is None or is_pictures(config.reference)
    if is_pictures(spec):
        made = {"--class": config.classes, "--num": config.num, "--truncation": config.truncation} if stored else {}
        against = None if config.against == "none" else config.against
        for flag, value in {**made, "--against": against}.items():
            if value not in (None, ()):
                raise UsageError(f"{flag} is for a generator, and {spec} holds pictures, of which all are judged.")
    if config.include is not None and not stored:
        raise UsageError(f"--include chooses among files, and {config.reference} is a generator.")
    if config.include is not None and config.reference is None and own_data(config, origin) is None:
        raise UsageError("--include chooses among the files of a reference, and there is none; name it with --reference.")


def _check_source(config: EvaluateConfig, spec: str, origin: Origin) -> None:
    """A direction in words has two ends, and so has the one in pictures."""
    if config.prompt is None and not (origin.command == "adapt" and origin.option("target")):
        raise UsageError("--source needs a --prompt: a direction in words has two ends.")
    before = origin.base_spec if config.against is None else config.against
    if before in (None, "none") or is_pictures(spec):
        raise UsageError("--source says what the pictures of --against show; name that generator, or leave --source out.")
