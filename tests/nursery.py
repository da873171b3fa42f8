"""A process with everything loaded, which forks one piece of work after the other: that saves loading torch anew."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent


class Nursery:
    """Starts pieces of work and waits for them.

    Args:
        module: name of a module of tests with `warm()`, which loads what the work would load by and by, and
            `work(options)`, which does a piece from its options as `asdict` gives them and returns its exit code.
    """

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", f"import nursery; nursery.serve({module!r})"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])},
        )

    def _ask(self, **asked: Any) -> int:
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def start(self, config: Any, **environment: str) -> int:
        """Start a piece of work, in a process group and with variables of its own; returns its process number."""
        return self._ask(options=asdict(config), environment=environment)

    def wait(self, process: int) -> int:
        """Wait for the end of a piece of work; returns its exit code, negative for a signal."""
        return self._ask(wait=process)

    def close(self) -> None:
        """End the process; what it forked must have ended."""
        self._process.communicate(timeout=60)


def serve(module: str) -> None:
    """Do what a `Nursery` asks for, until it closes standard input."""
    workshop = importlib.import_module(module)
    workshop.warm()
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            answer = os.waitstatus_to_exitcode(os.waitpid(asked["wait"], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                os.setpgid(0, 0)
                os.environ.update(asked["environment"])
                os._exit(workshop.work(asked["options"]))
        print(answer, flush=True)
