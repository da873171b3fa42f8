"""Cells as tasks of Ray, which runs them on one machine or many and starts them again where a process or a machine dies.

Every machine needs nada, the generator and guides under the same names, and the study's folder at the same path.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from nada.errors import NadaError, UsageError
from nada.study.cell import Cell
from nada.study.crew import MOST_DEATHS, Outcome

LOCAL = "local"
CLIENT, CLIENT_PORT = "ray://", 10001
REACHED_WITHIN = 10.0  # seconds that a machine has to answer at all; Ray itself would try for minutes
POLL = 1.0  # seconds between two looks at whether it is enough


class Cluster:
    """Has cells made by Ray; used like `nada.study.crew.Crew`.

    Args:
        address: `local` for a Ray of its own on this machine, else that of a cluster: `auto` for the one that this machine
            is part of, `head:6379`, or `ray://head:10001` for Ray's client.
        order: what each task is told, see `nada.study.workshop.Order`.
        jobs: how many tasks a local Ray runs at once.

    Raises:
        UsageError: where Ray is not installed, or for an address that cannot be read.
        NadaError: where the cluster cannot be reached.
    """

    def __init__(self, address: str, order: dict[str, Any], jobs: int) -> None:
        self._ray, self._order, self._pending = _import_ray(address), order, {}
        threads, gpu = order["setup"]["threads"], order["setup"]["device"] == "cuda"
        quiet = {"log_to_driver": False, "logging_level": "error"}
        where = {"num_cpus": jobs * threads, "include_dashboard": False} if address == LOCAL else {"address": address}
        check_address(address)
        try:
            with _own_termination():
                self._ray.init(**where, **quiet)
        except Exception as error:  # Ray raises whatever its many parts do
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise NadaError(f"--ray {address}: cannot reach Ray ({first}).") from error
        resources = {"num_cpus": threads, "num_gpus": 1 if gpu else 0, "max_retries": MOST_DEATHS - 1}
        self._make = self._ray.remote(make_cell).options(**resources)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        for reference in self._pending:
            self._ray.cancel(reference, force=True)
        self._ray.shutdown()

    def work(self, cells: Sequence[Cell], enough: Callable[[], bool] = lambda: False) -> Iterator[Outcome]:
        """Have cells made and yield them as they are done; ends early, with cells undone, when `enough` says so.

        Raises:
            NadaError: if the tasks cannot begin, or nothing can be written.
        """
        order = self._ray.put(self._order)
        self._pending = {self._make.remote(order, cell.to_dict()): cell for cell in cells}
        while self._pending and not enough():
            done, _ = self._ray.wait(list(self._pending), timeout=POLL)
            for reference in done:
                yield self._outcome(reference, self._pending.pop(reference))

    def _outcome(self, reference: Any, cell: Cell) -> Outcome:
        errors = self._ray.exceptions
        try:
            return Outcome(cell, self._ray.get(reference))
        except errors.RayTaskError as error:
            raise NadaError(str(error.cause)) from error
        except errors.RayError as error:
            return Outcome(cell, None, f"Ray lost this cell {MOST_DEATHS} times ({type(error).__name__}).")


def check_address(address: str) -> None:
    """See whether anybody answers at an address of Ray's: `head:6379` or `ray://head:10001`.

    Raises:
        UsageError: for one that cannot be read.
        NadaError: where nobody answers within `REACHED_WITHIN` seconds.
    """
    if address in (LOCAL, "auto"):
        return
    match = re.fullmatch(r"(ray://)?(\[[^\]]+\]|[^:/\s]+)(?::(\d{1,5}))?", address)
    port = match and (int(match[3]) if match[3] else CLIENT_PORT if match[1] else 0)
    if not match or not port or port > 65535:
        raise UsageError(
            f"--ray {address!r} is no address of Ray's; write local, auto, head:6379 or {CLIENT}head:{CLIENT_PORT}."
        )
    host = match[2].strip("[]")
    try:
        socket.create_connection((host, port), REACHED_WITHIN).close()
    except OSError as error:
        why = "no answer" if isinstance(error, TimeoutError) else error.strerror or str(error)
        raise NadaError(f"--ray {address}: nobody answers at {host}, port {port} ({why}); is Ray running there?") from error


def make_cell(order: dict[str, Any], cell: dict[str, Any]) -> dict[str, Any] | None:
    """The task: make one cell. What cells share stays loaded in a process that Ray uses again."""
    return _workshop(order).make(Cell.from_dict(cell))


_shops: list[tuple[dict[str, Any], Any]] = []


def _workshop(order: dict[str, Any]) -> Any:
    """The workshop of this process; a new one where the last has been spoilt, or was of another study."""
    from nada.study.workshop import Workshop

    if not _shops or _shops[0][0] != order or _shops[0][1].spoilt:
        _shops[:] = [(order, Workshop(order))]
    return _shops[0][1]


@contextmanager
def _own_termination() -> Iterator[None]:
    """Keep what SIGTERM does here: Ray takes it for itself, and a study that is told to end would not stop cleanly."""
    if threading.current_thread() is not threading.main_thread():  # Ray leaves it alone there
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if before is not None:  # one that Python did not set cannot be put back from here
            signal.signal(signal.SIGTERM, before)


def _import_ray(address: str) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address != LOCAL:  # twenty attempts of 40 seconds each are too many where somebody answers who is not Ray
        os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")
        os.environ.setdefault("RAY_py_gcs_connect_timeout_s", "8")
    try:
        import ray
    except ImportError as error:
        raise UsageError("--ray needs Ray: pip install 'ray>=2.40'; or use --jobs, or --shard.") from error
    return ray
