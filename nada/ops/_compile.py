"""Runs one build to its end, its failure, its time limit or Ctrl-C, and leaves no process behind."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from nada.errors import NadaError
from nada.files import make_folder
from nada.ops._recipe import LIBRARY, Recipe

LIMIT = 15 * 60.0  # seconds that a build may take
_GRACE = 10.0  # seconds for ninja to stop what it has started
_NEXT = re.compile(r"\[\d+/\d+\] |FAILED: |ninja: ")  # begins what ninja says of another command
_TAIL = 30  # lines of a failed build's output that are shown
# Failures that say nothing of the recipe: a compiler killed (by whoever frees memory), no memory, no room on the disk.
_PASSING = re.compile(
    r"\bKilled\b|Terminated signal|died due to signal (9|15)\b|\[code=1(37|43)\]|bad_alloc|out of memory"
    r"|Cannot allocate memory|memory exhausted|No space left on device|Disk quota exceeded"
)
_REFUSED = re.compile(r"unsupported (?:GNU|clang) version! (.*?)(?:!| \.|$)", re.MULTILINE)  # nvcc's crt/host_config.h
# A library that brings its process down must not do that to the process that wants to use it.
_TRY = "import sys, torch; torch.ops.load_library(sys.argv[1])"


@dataclass(frozen=True)
class Failure:
    """What a failed build leaves for people.

    Attributes:
        problem: what happened, in a few words.
        command: the command that failed.
        output: its last lines.
        log: the file with everything.
    """

    problem: str
    command: str
    output: str
    log: str


class BuildFailed(NadaError):
    """A build that was tried and failed, now or earlier. The message is one line; `failure` has the rest.

    It is `passing` if the same build may succeed later: what was missing was memory or room, not a header.
    """

    def __init__(self, failure: Failure, passing: bool = False) -> None:
        super().__init__(f"{failure.problem}: {failure.command}")
        self.failure = failure
        self.passing = passing


def local_rank() -> int:
    """Which of the processes that torchrun started on this machine this is; 0 without it."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def count_jobs() -> int:
    """How many compilers a build runs at once.

    The first process of a machine has it for itself: the others wait for its library. Those that build all the same
    share it.
    """
    jobs = min(os.cpu_count() or 1, 16)
    return max(1, jobs // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))) if local_rank() else jobs


def compile_library(recipe: Recipe, work: Path, log: Path, limit: float = LIMIT) -> Path:
    """Build the library of a recipe in the folder `work`, try to load it, and return its path.

    Raises BuildFailed; then `log` holds all that the build has said.
    """
    (work / "build.ninja").write_text(recipe.ninja_file(), encoding="utf-8")
    ninja = [*recipe.ninja.command, "-C", str(work), "-j", str(count_jobs())]
    code, text = _run(ninja, work, limit)
    if code != 0:
        failure = _failure(_problem(code, text, limit), *_failed_part(text, ninja), text, log)
        raise BuildFailed(failure, _is_passing(code, text))
    library = work / LIBRARY
    # Inside another program sys.executable may be that program.
    if "python" in Path(sys.executable or "").name:
        command = [sys.executable, "-c", _TRY, str(library)]
        code, text = _run(command, work, limit)
        if code != 0:
            failure = _failure(f"the library does not load ({_ending(code)})", shlex.join(command), text, text, log)
            raise BuildFailed(failure, _is_passing(code, ""))
    return library


def _is_passing(code: int | None, text: str) -> bool:
    return code in (-signal.SIGKILL, -signal.SIGTERM) or (code is not None and bool(_PASSING.search(text)))


def _problem(code: int | None, text: str, limit: float) -> str:
    if code is None:
        return f"the build was stopped after {limit:g} s"
    if _is_passing(code, text):
        return "a command of the build was killed, or there was no memory or disk left; the next start tries again"
    if found := _REFUSED.search(text):
        limited = re.search(r"later than (\d+)", found[1])
        name = f"g++-{limited[1] if limited else 13}"
        return (
            f"nvcc does not take this C++ compiler ({found[1]}); install another and set CXX to it for all runs, "
            f"as in CXX={name}"
        )
    return "a command of the build fails"


def _failure(problem: str, command: str, output: str, text: str, log: Path) -> Failure:
    make_folder(log.parent)
    log.write_text(text, encoding="utf-8")
    return Failure(problem, command, "\n".join(output.splitlines()[-_TAIL:]), str(log))


def _failed_part(text: str, ninja: list[str]) -> tuple[str, str]:
    """Return the first command that failed and what it said: ninja prints both behind a line of its own."""
    lines = text.splitlines()
    for index, line in enumerate(lines[:-1]):
        if line.startswith("FAILED: "):
            said = itertools.takewhile(lambda line: not _NEXT.match(line), lines[index + 2 :])
            return lines[index + 1], "\n".join(said)
    return shlex.join(ninja), text


def _ending(code: int | None) -> str:
    if code is None:
        return "it took too long"
    return f"ended with code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"


def _run(command: list[str], work: Path, limit: float) -> tuple[int | None, str]:
    """Run a command; return its code, None after the time limit, and all it has said."""
    output = work / "output.txt"
    paths = os.pathsep.join(os.path.abspath(path) for path in sys.path if path)
    with open(output, "w") as file:
        process = subprocess.Popen(
            command, cwd=work, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C", "PYTHONPATH": paths}, start_new_session=True,
        )  # fmt: skip
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _stop(process)
    return code, output.read_text(errors="replace")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it has started; ninja hands SIGTERM on to its children, SIGKILL it cannot."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
