"""Worker processes that live for many cells: who gets the next one, and what happens when one of them dies."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

from nada.errors import NadaError
from nada.study.cell import Cell
from nada.study.worker import BROKEN, READY, serve

START = "spawn"  # a fork would inherit torch's threads, or what is left of them
MOST_DEATHS = 2
POLL = 0.2  # seconds between two looks at whether it is enough
PATIENCE = 2.0  # seconds that workers have to end by themselves; a cell that is cut off is made again from nothing


class Outcome(NamedTuple):
    """What became of a cell: its record, or why no worker could make it; neither if another process is at it."""

    cell: Cell
    record: dict[str, Any] | None
    problem: str | None = None


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    job: int
    ready: bool = False
    cell: Cell | None = None


class Crew:
    """As many workers as jobs.

    Args:
        orders: what each worker is told, see `nada.study.workshop.Order`.
    """

    def __init__(self, orders: Sequence[dict[str, Any]]) -> None:
        self._orders = list(orders)
        self._context = multiprocessing.get_context(START)
        self._workers: list[_Worker] = []
        self._todo: deque[Cell] = deque()
        self._deaths: Counter[str] = Counter()
        self._stillborn = 0

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.terminate()
        end = time.monotonic() + PATIENCE
        for worker in self._workers:
            worker.process.join(max(0.0, end - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.connection.close()
        self._workers.clear()

    def work(self, cells: Sequence[Cell], enough: Callable[[], bool] = lambda: False) -> Iterator[Outcome]:
        """Have cells made, in this order as far as one job goes; yields them as they are done.

        A cell whose worker dies is given to another one, once. Ends early, with cells undone, when `enough` says so.

        Raises:
            NadaError: if workers cannot begin, or nothing can be written.
        """
        self._todo = deque(cells)
        for job in range(min(len(self._orders), len(cells))):
            self._hire(job)
        while self._workers:
            for connection in wait([worker.connection for worker in self._workers], POLL):
                worker = next(worker for worker in self._workers if worker.connection is connection)
                yield from self._hear(worker)
            if enough():
                return

    def _hire(self, job: int) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs, self._orders[job]), daemon=True)
        process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours, job))

    def _hear(self, worker: _Worker) -> Iterator[Outcome]:
        try:
            kind, content = worker.connection.recv()
        except (EOFError, ConnectionError):
            yield from self._bury(worker)
            return
        if kind == BROKEN:
            raise NadaError(content)
        cell, worker.cell = worker.cell, None
        if kind == READY:
            worker.ready, self._stillborn = True, 0
        elif cell is not None:
            yield Outcome(cell, content)
        self._give(worker)

    def _give(self, worker: _Worker) -> None:
        cell = self._todo.popleft() if self._todo else None
        try:
            worker.connection.send(cell and cell.to_dict())
            worker.cell = cell
        except OSError:  # it has just died, or ended since its last cell has spoilt it; its end of the pipe will say so
            if cell is not None:
                self._todo.appendleft(cell)

    def _bury(self, worker: _Worker) -> Iterator[Outcome]:
        """A worker has ended, as it should or not."""
        worker.process.join()
        worker.connection.close()
        self._workers.remove(worker)
        how = _how(worker.process.exitcode)
        if not worker.ready:
            self._stillborn += 1
            if self._stillborn >= MOST_DEATHS:
                raise NadaError(f"the processes that make the cells end before they can begin ({how}).")
        elif worker.cell is not None and worker.process.exitcode == 0:
            self._todo.appendleft(worker.cell)  # it ended before it read of this cell
        elif worker.cell is not None:
            key = worker.cell.key
            self._deaths[key] += 1
            if self._deaths[key] < MOST_DEATHS:
                self._todo.appendleft(worker.cell)
            else:
                yield Outcome(worker.cell, None, f"The process that made this cell ended {MOST_DEATHS} times ({how}).")
        if self._todo:
            self._hire(worker.job)


def _how(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"{name}, as when memory runs out" if name == "SIGKILL" else name
