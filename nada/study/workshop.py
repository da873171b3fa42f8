"""The place where cells are made, one after the other: what they share is loaded once per process."""

from __future__ import annotations

import os
import shutil
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nada.adaptation.run import STATE, run_adaptation
from nada.checkpoints import hash_generator, load_generator
from nada.checkpoints.native import ADAPTATION
from nada.errors import NadaError
from nada.evaluation.looking import look
from nada.evaluation.pictures import Stored
from nada.features import GuideFeatures, load_features
from nada.files import locked, make_folder, write_text
from nada.images import save_png
from nada.study.cell import PICTURES, Cell, make_record, read_record, write_record
from nada.study.measuring import BATCH, SIZE, Ruler, measure_cell
from nada.study.plan import adapt_config
from nada.study.results import NONE
from nada.study.setup import CELLS, Setup

BUSY = "another process is making this cell"
LOG, TRACE = "log.txt", "error.txt"


@dataclass(frozen=True)
class Order:
    """What a process needs to know to make cells; plain values, so that it can be sent anywhere."""

    setup: dict[str, Any]
    out: str
    device: str
    weights: bool


class Workshop:
    """Makes cells in `out/cells`. All threads of the process are its own.

    Attributes:
        spoilt: whether something went wrong that may outlive the cell, as errors of a GPU do; better begin anew.
    """

    def __init__(self, order: Mapping[str, Any]) -> None:
        """Load generator and judge. Raises NadaError if they cannot be had or are not those of the study."""
        self._order = Order(**order)
        self._setup = Setup.from_dict(self._order.setup)
        torch.set_num_threads(self._setup.threads)
        source = load_generator(self._setup.generator, self._order.device)
        if hash_generator(source) != self._setup.generator_sha256:
            raise NadaError(
                f"{self._setup.generator} is not the generator that the study was begun with; its weights differ."
            )
        judge = load_features(self._setup.judge, self._order.device)
        assert isinstance(judge, GuideFeatures)
        self._ruler = Ruler(source, judge, self._setup.num, self._style(judge))
        self.spoilt = False

    def _style(self, judge: GuideFeatures) -> np.ndarray | None:
        path = self._setup.style_reference
        return look(Stored(path, SIZE), [judge], BATCH, keep=True).features[judge.tag] if path else None

    def make(self, cell: Cell) -> dict[str, Any] | None:
        """Make a cell from nothing and return its record, which may be one of failure; None if another process is at it.

        Raises:
            NadaError: where nothing can be written.
            KeyboardInterrupt: if the process was told to end.
        """
        folder = Path(self._order.out) / CELLS / cell.key
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(folder, BUSY))
            except NadaError as error:
                if str(error) != BUSY:
                    raise
                return None
            record = read_record(folder, self._setup.digest)
            if record is None or record["error"] is not None:  # else another process was faster
                if folder.exists():
                    shutil.rmtree(folder)
                make_folder(folder)
                with logged(folder / LOG):
                    record = self._attempt(cell, folder)
                write_record(folder, record)
            return record

    def _attempt(self, cell: Cell, folder: Path) -> dict[str, Any]:
        digest = self._setup.digest
        try:
            measures, seconds = self._make(cell, folder)
        except NadaError as error:
            return make_record(cell, digest, error=str(error))
        except Exception as error:
            self.spoilt = True
            write_text(folder / TRACE, traceback.format_exc())
            first = (str(error).splitlines() or [""])[0]
            return make_record(cell, digest, error=f"{type(error).__name__}: {first} ({TRACE} in the cell's folder)")
        return make_record(cell, digest, measures, seconds)

    def _make(self, cell: Cell, folder: Path) -> tuple[dict[str, float], dict[str, float]]:
        begun = time.perf_counter()
        parameters, adapted = 0, None
        if cell.policy != NONE:
            outcome = run_adaptation(adapt_config(cell, self._setup, self._order.device, folder.parent), _quiet, folder)
            if outcome.result is None:
                raise KeyboardInterrupt
            parameters = outcome.result["parameters"]
            adapted = load_generator(str(folder), self._order.device)
        made = time.perf_counter()
        measures, row = measure_cell(self._ruler, cell.pair, adapted)
        save_png(folder / PICTURES, row)
        self._tidy(folder)
        seconds = {"adapt": made - begun, "measure": time.perf_counter() - made}
        return {**measures, "parameters": float(parameters)}, seconds

    def _tidy(self, folder: Path) -> None:
        """A finished cell is not resumed; without the state, which has Adam's moments too, it is a third as large."""
        (folder / STATE).unlink(missing_ok=True)
        if not self._order.weights:
            (folder / ADAPTATION).unlink(missing_ok=True)


def _quiet(line: str) -> None:
    """A cell has nothing to say that its folder does not hold."""


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """Send what the process and its libraries say into a file, which goes again if they say nothing."""
    saved = [os.dup(stream) for stream in (1, 2)]
    _flush()
    with open(path, "ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    try:
        yield
    finally:
        _flush()
        for stream, copy in zip((1, 2), saved):
            os.dup2(copy, stream)
            os.close(copy)
        if not path.stat().st_size:
            path.unlink()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
