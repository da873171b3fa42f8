"""Where a result is kept: in the run that was judged `results.json`, curves and a section of its model card.

What is said of a training's `best/` lies in that folder, and its curves among the run's.
"""

from __future__ import annotations

import os
from pathlib import Path

from nada.config.evaluate import EvaluateConfig
from nada.errors import NadaError, UsageError
from nada.evaluation.origin import Origin
from nada.evaluation.report import BEGIN, END, Evaluation
from nada.files import write_error, write_json, write_text

RESULTS, CARD = "results.json", "README.md"


def check_places(config: EvaluateConfig, origin: Origin) -> None:
    """Raise UsageError or NadaError for what would only come to light when hours of work are to be written down."""
    if config.json is not None:
        path = Path(config.json)
        if path.is_dir():
            raise UsageError(f"--json {path} is a folder; give the name of a file.")
        _check_folder(path.parent)
    place = _place(origin) if config.record else None
    if place is not None:
        _check_folder(place)
        if (place / CARD).is_file():
            with_section(_read(place / CARD), "")


def keep_in_run(origin: Origin, evaluation: Evaluation) -> Path | None:
    """Write results, curves and card; an older evaluation is replaced, curves are continued.

    Returns the file of the results; None for a generator of no run. Raises NadaError where the run cannot be written,
    which leaves it as it was where the card is the reason.
    """
    place = _place(origin)
    if origin.folder is None or place is None:
        return None
    card = place / CARD
    text = with_section(_read(card), evaluation.section()) if card.is_file() else None
    write_json(place / RESULTS, evaluation.to_dict())
    _show(origin.folder, evaluation, origin.step)
    if text is not None:
        write_text(card, text)
    return place / RESULTS


def _place(origin: Origin) -> Path | None:
    """Where in the run that is judged its result lies; None for a generator of no run."""
    if origin.folder is None or not (origin.is_run or origin.is_best):
        return None
    return origin.folder / "best" if origin.is_best else origin.folder


def _check_folder(folder: Path) -> None:
    """A folder that is there, or can be made, and takes files. Nothing is made."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise NadaError(f"cannot write below {there}, which is a file and no folder; choose another place.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise NadaError(f"cannot write into {there}: permission denied; choose another place, or --no-record for none.")


def _read(card: Path) -> str:
    try:
        return card.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise NadaError(f"cannot read {card}: {error}; mend it or take it away, and evaluate again.") from error


def with_section(card: str, section: str) -> str:
    """A model card with its section on the evaluation put in, or put in the place of the older one.

    Raises NadaError where one of the marks has lost its fellow: what is between them could be somebody's words.
    """
    begin, end = card.find(BEGIN), card.find(END)
    if begin < 0 and end < 0:
        return f"{card.rstrip()}\n\n{section}\n"
    if begin < 0 or end < begin:
        raise NadaError(f"the model card has only one of the lines {BEGIN} and {END}; remove it, and evaluate again.")
    return card[:begin] + section + card[end + len(END) :]


def _show(folder: Path, evaluation: Evaluation, step: int) -> None:
    """The scores among the curves of the run, at the step that its weights are of."""
    from torch.utils.tensorboard import SummaryWriter

    try:
        with SummaryWriter(str(folder), filename_suffix=".evaluation") as board:
            for score in evaluation.scores:
                board.add_scalar(f"evaluation/{score.key}", score.estimate.value, step)
            board.add_text("evaluation", evaluation.section().replace(BEGIN, "").replace(END, ""), step)
    except OSError as error:
        raise write_error(folder, error) from error
