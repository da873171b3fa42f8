"""The study in TensorBoard: every cell is a row of the HPARAMS tab, beside the curves and pictures of its run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nada.errors import NadaError
from nada.files import write_error
from nada.study.folders import folder_of
from nada.study.results import Cell, Results

SUFFIX = ".study"  # of the event files made here, so that writing again replaces them and nothing else
PREFIX = "study/"


def write_board(out: Path, cells: Iterable[Mapping[str, Any]]) -> Path:
    """Write what was varied and what came of it into the folders of all good cells, and return `out`.

    `tensorboard --logdir OUT` then shows policy, pair, learning rate and seed beside the measures, as a table and as
    parallel coordinates. They stand in the cell's own folder, as `add_hparams(run_name=".")` would put them, so that they
    and the curves are one run; what an earlier call wrote is replaced.

    Raises:
        NadaError: when a folder cannot be written.
    """
    results = Results(cells, {})
    good = [cell for cell in results.cells if cell.error is None]
    domains = _domains(good)
    measures = results.measures
    for cell in good:
        _write(folder_of(out, cell.record), cell, domains, measures)
    return Path(out)


def _varied(cell: Cell) -> dict[str, str | float]:
    """What a row of the tab is about; without an adaptation there is neither learning rate nor seed."""
    place = cell.place
    facts = {"policy": place.policy, "pair": place.pair.title, "lr": place.lr, "seed": place.seed}
    # TensorBoard knows numbers of one kind only.
    return {key: value if isinstance(value, str) else float(value) for key, value in facts.items() if value is not None}


def _domains(cells: list[Cell]) -> dict[str, list[Any]]:
    """All values of each, which TensorBoard offers as a filter."""
    found: dict[str, dict[Any, None]] = {}
    for cell in cells:
        for key, value in _varied(cell).items():
            found.setdefault(key, {})[value] = None
    return {key: sorted(values) if key in ("lr", "seed") else list(values) for key, values in found.items()}


def _write(folder: Path, cell: Cell, domains: dict[str, list[Any]], measures: list[str]) -> None:
    from torch.utils.tensorboard import SummaryWriter
    from torch.utils.tensorboard.summary import hparams

    # The first run that TensorBoard meets decides which columns there are, so each one names them all.
    columns = {key: values[0] for key, values in domains.items()}
    experiment, _, _ = hparams(columns, {PREFIX + key: 0.0 for key in measures}, domains)
    _, start, end = hparams(_varied(cell), {})
    if not folder.is_dir():
        raise NadaError(f"{folder} is gone, which a finished cell was made in; run the study again.")
    try:
        for earlier in folder.glob(f"events.out.tfevents.*{SUFFIX}"):
            earlier.unlink()
        with SummaryWriter(str(folder), filename_suffix=SUFFIX) as writer:
            for summary in (experiment, start, end):
                writer.file_writer.add_summary(summary)
            for key, value in cell.measures.items():
                writer.add_scalar(PREFIX + key, value, 0)
    except OSError as error:
        raise write_error(folder, error) from error
