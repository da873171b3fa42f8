"""Many picture files at once: encoded and written by threads, with a bound on what waits in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from nada.errors import NadaError
from nada.files import clear_unfinished, locked, make_folder
from nada.generation.keeping import read_settings, save_picture
from nada.generation.recipe import Recipe

_THREADS = min(8, (os.cpu_count() or 1) + 2)  # most of the time they wait for the disk
_WAITING = 64  # pictures


class Writer:
    """Writes pictures in threads; leaving the block waits for all of them.

    `write` blocks while 64 pictures wait, and raises what went wrong with an earlier one.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS)
        self._waiting: list[Future[Path]] = []

    def write(self, path: Path, pixels: np.ndarray, recipe: Recipe, notes: Mapping[str, Any]) -> None:
        """Write one picture, uint8 `(H, W, 3)`, by and by."""
        if len(self._waiting) >= _WAITING:
            half = _WAITING // 2
            for future in self._waiting[:half]:
                future.result()
            del self._waiting[:half]
        self._waiting.append(self._pool.submit(save_picture, path, pixels, recipe, notes))

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)
        if kind is None:
            for future in self._waiting:
                future.result()


@contextmanager
def own_folder(out: Path) -> Iterator[Path]:
    """Make a folder and keep other commands from writing there; what a killed one left half-written is removed.

    Raises NadaError where it cannot be written or another command is at work in it.
    """
    make_folder(out)
    with locked(out / "pictures", f"another nada generate is writing to {out}; wait for it, or choose another --out."):
        clear_unfinished(out, lambda name: name.endswith(".png"))
        yield out


def survey(out: Path, wanted: Callable[[str], Recipe | None]) -> set[str]:
    """Return the names of the files in `out` that hold just what is wanted under their name.

    Args:
        wanted: gives the recipe for a file name; None for one that is of no concern.

    Raises NadaError, before anything is written, that names the first file in the way and says how many there are:
    nothing of anybody's is overwritten.
    """
    done, problems = set(), []
    for name in sorted(os.listdir(out)):
        recipe = wanted(name)
        if recipe is not None:
            problem = _in_the_way(out / name, recipe)
            problems += [problem] if problem else []
            done.add(name)
    if problems:
        others = len(problems) - 1
        more = f", and {others} other file{'s' * (others > 1)} there will not do either" if others else ""
        raise NadaError(f"{problems[0]}{more}; choose another folder with --out.")
    return done


def _in_the_way(path: Path, recipe: Recipe) -> str:
    """Why a file cannot stay as the picture of that recipe; empty if it is that picture."""
    try:
        kept, _ = read_settings(path)
    except NadaError as error:
        return f"{path} is in the way ({str(error).rstrip('.')})"
    if kept.same_picture(recipe):
        return ""
    if kept.sha256 != recipe.sha256:
        same = f"another generator called {kept.model}" if kept.model == recipe.model else kept.model
        return f"{path} was made with {same}, whose weights differ"
    return f"{path} was made with other settings ({'; '.join(kept.differences(recipe)[:3])})"
