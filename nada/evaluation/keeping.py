"""Where a result is kept: in the run that was judged `results.json`, curves and a section of its model card.

What is said of a training's `best/` lies in that folder, and its curves among the run's.
"""

from __future__ import annotations

from pathlib import Path

from nada.errors import NadaError
from nada.evaluation.origin import Origin
from nada.evaluation.report import BEGIN, END, Evaluation
from nada.files import write_error, write_json, write_text

RESULTS, CARD = "results.json", "README.md"


def keep_in_run(origin: Origin, evaluation: Evaluation) -> Path | None:
    """Write results, curves and card; an older evaluation is replaced, curves are continued.

    Returns the file of the results; None for a generator of no run. Raises NadaError where the run cannot be written.
    """
    if origin.folder is None or not (origin.is_run or origin.is_best):
        return None
    place = origin.folder / "best" if origin.is_best else origin.folder
    write_json(place / RESULTS, evaluation.to_dict())
    _show(origin.folder, evaluation, origin.step)
    card = place / CARD
    if card.is_file():
        write_text(card, with_section(card.read_text(encoding="utf-8"), evaluation.section()))
    return place / RESULTS


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
