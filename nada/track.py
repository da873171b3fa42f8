"""The record of a run: `metrics.jsonl` for programs, TensorBoard events beside it for people."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import numpy as np

from nada.files import make_folder, write_error, write_text


class Tracker:
    """Appends to the record in `run_dir`, continuing behind `start_step`.

    A run that stopped at step 70 and goes on from its checkpoint of step 50 has lines that the continued run writes
    again. So everything behind `start_step` is dropped from `metrics.jsonl`, and TensorBoard is told to forget it.
    """

    def __init__(self, run_dir: str | Path, start_step: int = 0) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._path = make_folder(run_dir) / "metrics.jsonl"
        resumed = any(self._path.parent.glob("events.out.tfevents.*"))
        _drop_lines_behind(self._path, start_step)
        try:
            self._file = open(self._path, "a", encoding="utf-8")
            self._board = SummaryWriter(str(run_dir), purge_step=start_step + 1 if resumed else None)
        except OSError as error:
            raise write_error(run_dir, error) from error

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Record one line of named numbers at `step`. NaN and infinity are `null` in the file, which JSON can hold."""
        numbers = {tag: float(value) for tag, value in values.items()}
        line = {tag: value if math.isfinite(value) else None for tag, value in numbers.items()}
        try:
            self._file.write(json.dumps({"step": step, **line}) + "\n")
            self._file.flush()
        except OSError as error:
            raise write_error(self._path, error) from error
        for tag, value in numbers.items():
            self._board.add_scalar(tag, value, step)

    def images(self, step: int, tag: str, picture: np.ndarray) -> None:
        """Show a uint8 picture `(H, W, 3)` in TensorBoard."""
        self._board.add_image(tag, picture, step, dataformats="HWC")

    def text(self, tag: str, text: str) -> None:
        """Show a text (Markdown) in TensorBoard."""
        self._board.add_text(tag, text)

    def close(self) -> None:
        """Write out what is still buffered."""
        self._file.close()
        self._board.close()

    def __enter__(self) -> Tracker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _drop_lines_behind(path: Path, step: int) -> None:
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        write_text(path, "".join(line for line in lines if _belongs(line, step)))


def _belongs(line: str, step: int) -> bool:
    """Whether a line is whole (a crash may cut the last one) and not behind `step`."""
    try:
        return line.endswith("\n") and json.loads(line)["step"] <= step
    except ValueError:
        return False
