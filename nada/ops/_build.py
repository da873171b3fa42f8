"""Builds a library of fused operators into the cache, whole or not at all, and remembers what could not be built.

There is no lock. Every process builds in a folder of its own and renames the result into place; of two that build at
once, one wins and both use its library. What is killed leaves a folder that nobody looks into.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from nada.errors import NadaError
from nada.files import UNUSED, cache_folder, hash_file, idle_seconds, read_json, write_error, write_json
from nada.ops._compile import LIMIT, BuildFailed, Failure, compile_library, local_rank
from nada.ops._recipe import LIBRARY, Recipe

_STALE = 24 * 3600.0  # seconds after which a folder of a build is what a killed process left
_INFO = "build.json"
_BEGIN = 60.0  # seconds that the first process on a machine has to begin a build
_PAUSE = 0.5  # seconds between two looks at what it has done


@dataclass(frozen=True)
class Built:
    """A library that is there.

    Attributes:
        path: of the library.
        seconds: that its build took.
        when: it was built, for people.
        fresh: whether this call built it.
    """

    path: Path
    seconds: float
    when: str
    fresh: bool = False


def operators_folder() -> Path:
    """Return where libraries are cached."""
    return cache_folder() / "ops"


def find_built(recipe: Recipe) -> Built | None:
    """Return the cached library of a recipe if it is there and whole, without building."""
    folder = operators_folder() / recipe.key
    try:
        info = read_json(folder / _INFO)
        if hash_file(folder / LIBRARY) == info["sha256"]:
            with suppress(OSError):  # a cache that can only be read is as good
                os.utime(folder / _INFO)
            return Built(folder / LIBRARY, float(info["seconds"]), str(info["when"]))
    except (NadaError, KeyError, TypeError, ValueError):
        return None
    return None


def find_failure(recipe: Recipe) -> Failure | None:
    """Return how the last build of a recipe failed, or None."""
    try:
        return Failure(**read_json(_failure_file(recipe)))
    except (NadaError, TypeError):
        return None


def forget(recipe: Recipe) -> None:
    """Remove the cached library of a recipe, and the memory that it could not be built."""
    for path in (_failure_file(recipe), _log_file(recipe)):
        path.unlink(missing_ok=True)
    shutil.rmtree(operators_folder() / recipe.key, ignore_errors=True)


class _Changed(NadaError):
    """The sources are no longer what they were when the build began."""


def ensure_built(recipe: Recipe, limit: float = LIMIT, tries: int = 3) -> Built:
    """Return the library of a recipe, from the cache or built now; again if somebody edits the sources meanwhile.

    Of several processes that torchrun started on a machine only the first one builds; the others wait for it.

    Raises:
        BuildFailed: if it cannot be built; also if that is known from an earlier try. What was only for want of memory or
            disk is not kept in mind.
        NadaError: if the cache cannot be written.
    """
    if built := find_built(recipe) or _await_first(recipe, limit):
        return built
    if failure := find_failure(recipe):
        raise BuildFailed(failure)
    cache = operators_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _clear_stale(cache)
        _clear_unused(cache)
        work = Path(tempfile.mkdtemp(prefix=f".{recipe.key}.", suffix=".tmp", dir=cache))
    except OSError as error:
        raise _cache_error(error) from error
    try:
        return _build(recipe, work, limit)
    except _Changed:
        if tries == 1:
            raise
        return ensure_built(replace(recipe), limit, tries - 1)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _await_first(recipe: Recipe, limit: float) -> Built | None:
    """Wait for the library that the first of several processes on this machine builds, as torchrun starts them.

    Returns None in the first one itself; also if a failure is known, and if the first one does not begin (it may have no
    use for the library) or does not end in time. Raises NadaError if it gave up: what it lacked this process lacks, too.
    """
    start, begun = time.monotonic(), False
    while local_rank() and time.monotonic() - start < _BEGIN + (limit if begun else 0.0):
        building = any(operators_folder().glob(f".{recipe.key}.*.tmp"))
        if (built := find_built(recipe)) or find_failure(recipe):
            return built
        if begun and not building:
            raise NadaError("the first process on this machine could not build them; it tells why")
        begun = building
        time.sleep(_PAUSE)
    return None


def _cache_error(error: OSError) -> NadaError:
    return NadaError(f"{str(write_error(operators_folder(), error)).rstrip('.')} with NADA_CACHE.")


def _failure_file(recipe: Recipe) -> Path:
    return operators_folder() / f"{recipe.key}.failed.json"


def _log_file(recipe: Recipe) -> Path:
    return operators_folder() / f"{recipe.key}.log"


def _clear_stale(cache: Path) -> None:
    for folder in cache.glob(".*.tmp"):
        try:
            old = time.time() - folder.stat().st_mtime > _STALE
        except OSError:  # its owner has just finished
            continue
        if old:
            shutil.rmtree(folder, ignore_errors=True)


def _clear_unused(cache: Path) -> None:
    """Remove libraries of an older torch, say, and what was noted of failures."""
    for record in cache.glob(f"*/{_INFO}"):
        if idle_seconds(record) > UNUSED:
            shutil.rmtree(record.parent, ignore_errors=True)
    for note in [*cache.glob("*.failed.json"), *cache.glob("*.log")]:
        if idle_seconds(note) > UNUSED:
            with suppress(OSError):  # another process was quicker, or reads it
                note.unlink()


def _build(recipe: Recipe, work: Path, limit: float) -> Built:
    what, time_needed = ("CPU and CUDA", "a minute or two") if recipe.nvcc else ("CPU", "less than a minute")
    sys.stderr.write(f"nada: building the fused {what} operators, once for this machine ({time_needed}) ...\n")
    sys.stderr.flush()
    begin = time.monotonic()
    try:
        compile_library(recipe, work, _log_file(recipe), limit)
        info = {"seconds": round(time.monotonic() - begin, 1), "when": time.strftime("%Y-%m-%d %H:%M")}
        if replace(recipe).key != recipe.key:
            raise _Changed(f"{recipe.sources} has changed while it was built; try again.")
        done = work / "done"
        done.mkdir()
        os.replace(work / LIBRARY, done / LIBRARY)
        write_json(done / _INFO, {**info, "sha256": hash_file(done / LIBRARY), "backends": recipe.backends})
        _publish(done, recipe)
    except BuildFailed as error:
        if not error.passing:
            write_json(_failure_file(recipe), asdict(error.failure))
        raise
    except OSError as error:
        raise _cache_error(error) from error
    return Built(operators_folder() / recipe.key / LIBRARY, **info, fresh=True)


def _publish(done: Path, recipe: Recipe) -> None:
    """Rename a finished folder into place; one that another process has put there meanwhile is as good."""
    final = operators_folder() / recipe.key
    for attempt in range(100):
        try:
            os.rename(done, final)
            return
        except OSError:
            if find_built(recipe):
                return
            if not final.exists():
                raise
        try:
            os.rename(final, done.with_name(f"broken-{attempt}"))
        except FileNotFoundError:  # another process has moved the broken one away
            continue
    raise NadaError(f"cannot replace the broken library in {final}: remove that folder.")
