"""The files of a training run: states to resume from, generators, grids, the best so far, and the card."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from nada.checkpoints import save_generator
from nada.config.train import TrainConfig
from nada.errors import NadaError, UsageError
from nada.files import make_folder, read_json, write_error, write_json, write_text
from nada.images import save_png
from nada.models import Generator
from nada.runs import check_command, find_run, save_tensors
from nada.training.report import model_card, sample_grid
from nada.training.state import TrainingState

CHECKPOINT, NUMBERED, BEST, RESULT = "last.ckpt", "checkpoints", "best.json", "result.json"


def find_checkpoint(spec: str, out: str) -> tuple[Path, Path]:
    """The run folder and the state in it that --resume means: a run, "latest", or one of its .ckpt files.

    Raises NadaError where there is none, and UsageError where it is a run of another command.
    """
    path = Path(spec)
    if path.suffix == ".ckpt" and path.is_file():
        folder = path.parent.parent if path.parent.name == NUMBERED else path.parent
        if not (folder / "config.json").is_file():
            raise NadaError(f"{path} is not in the folder of a run; resume the run that it comes from.")
        check_command(folder, "train")
        return folder, path
    folder = find_run(spec, out, CHECKPOINT, "train")
    return folder, folder / CHECKPOINT


def finished_result(folder: Path, step: int, steps: int) -> dict[str, Any] | None:
    """The `result.json` of a run whose state of `step` has taken all of `steps`, or None where there is work left."""
    if step < steps or not (folder / RESULT).is_file():
        return None
    result = read_json(folder / RESULT)
    return result if result["finished"] and result["step"] == step else None


def check_length(folder: Path, step: int, steps: int) -> None:
    """Raise UsageError where a run is asked for fewer steps than it has taken without having finished."""
    if step > steps and finished_result(folder, step, steps) is None:
        raise UsageError(f"{folder} is at step {step} already, and --kimg gives it {steps}; give a larger --kimg.")


def record_length(folder: Path, config: TrainConfig) -> None:
    """Write into a run's record what a resumed run was given anew, so that the next one needs no options for it."""
    record = read_json(folder / "config.json")
    given = {"kimg": config.kimg, "data": str(Path(config.data or "").resolve())}
    if {**record["options"], **given} != record["options"]:
        record["options"] |= given
        write_json(folder / "config.json", record)


def remove_halves(folder: Path) -> None:
    """Take away what a killed process was still writing."""
    for path in folder.rglob(".*.tmp"):
        path.unlink(missing_ok=True)


def save_state(folder: Path, state: TrainingState, keep: int) -> None:
    """Replace the state to resume from, in one step, and keep the last `keep` by number."""
    last = save_tensors(folder / CHECKPOINT, state.state_dict())
    if keep:
        numbered = make_folder(folder / NUMBERED) / f"step-{state.step:06d}.ckpt"
        _link(last, numbered)
        others = [path for path in (folder / NUMBERED).glob("step-*.ckpt") if _step_of(path) != state.step]
        # Behind this step lies what a run wrote that went on from an earlier state; it counts as older.
        others.sort(key=lambda path: (_step_of(path) < state.step, _step_of(path)))
        for path in others[: max(len(others) - keep + 1, 0)]:
            path.unlink(missing_ok=True)


def _step_of(path: Path) -> int:
    digits = path.stem.removeprefix("step-")
    return int(digits) if digits.isdecimal() else 0


def _link(source: Path, target: Path) -> None:
    """The same bytes under a second name; copied where the file system knows no links."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        try:
            shutil.copyfile(source, target)
        except OSError as error:
            target.unlink(missing_ok=True)
            raise write_error(target, error) from error


def save_samples(folder: Path, generator: Generator, step: int) -> Any:
    """Write the grid of fixed latents and return it."""
    grid = sample_grid(generator)
    save_png(folder / "samples" / f"step-{step:06d}.png", grid)
    return grid


def best_so_far(folder: Path) -> dict[str, Any] | None:
    """What `best.json` says, if there is one."""
    return read_json(folder / BEST) if (folder / BEST).is_file() else None


def keep_if_best(folder: Path, generator: Generator, measured: dict[str, Any], distance: str) -> bool:
    """Write `best/` and `best.json` where the distance is smaller than, or of the same step as, the best so far."""
    before = best_so_far(folder)
    if before is not None and before["step"] != measured["step"] and before[distance] <= measured[distance]:
        return False
    (folder / "best" / "results.json").unlink(missing_ok=True)  # what nada evaluate said of the one before
    save_generator(folder / "best", generator, measured)
    save_png(folder / "best" / "samples.png", sample_grid(generator))
    write_json(folder / BEST, measured)
    return True


def write_card(folder: Path, result: dict[str, Any]) -> None:
    """The run's README, from its record and its curves."""
    lines = [json.loads(text) for text in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    curve = [line for line in lines if any(tag.startswith("metrics/") for tag in line)]
    grids = sorted((folder / "samples").glob("step-*.png"), key=_step_of)
    picture = grids[-1].relative_to(folder).as_posix()
    write_text(folder / "README.md", model_card(read_json(folder / "config.json"), result, picture, curve))
