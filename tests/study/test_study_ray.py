"""A small study on a Ray of two workers, one of which is killed: nothing is lost."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import threading
import time
import types
from pathlib import Path

import pytest
from study_makers import quiet, records, tiny_study

from nada.errors import NadaError, UsageError
from nada.study import Cell, cluster, run_study
from nada.study.plan import make_study
from nada.study.workshop import Workshop

REASON = "Ray is not installed (pip install 'ray>=2.40'): the study is not run on it"


def children(of: int) -> list[tuple[int, str]]:
    """Number and title of all processes below one, on Linux."""
    parents, titles = {}, {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            status = (path / "stat").read_text().rpartition(") ")[2].split()
            titles[int(path.name)] = (path / "cmdline").read_text().replace("\0", " ")
            parents[int(path.name)] = int(status[1])
        except OSError:
            continue  # it has just ended
    below = {of}
    for _ in range(5):
        below |= {number for number, parent in parents.items() if parent in below}
    return [(number, titles[number]) for number in sorted(below - {of})]


def kill_one_at_work(out: Path, killed: list[int]) -> None:
    """Wait until a task has begun a cell, and kill the process that it is in."""
    end = time.monotonic() + 200
    while time.monotonic() < end and not killed:
        if any(not (path.parent / "cell.json").exists() for path in out.glob("cells/*/config.json")):
            busy = [number for number, title in children(os.getpid()) if title.startswith("ray::make_cell")]
            if busy:
                os.kill(busy[0], signal.SIGKILL)
                killed.append(busy[0])
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="finds the worker to kill in /proc")
@pytest.mark.filterwarnings("ignore::Warning")
def test_a_study_on_ray_survives_the_death_of_a_worker(tmp_path: Path) -> None:
    """With real guides: Ray's workers know nothing of what a test has put in their place."""
    pytest.importorskip("ray", reason=REASON)
    config = tiny_study(tmp_path, seeds="0,1", layers=("late:1", "all"), steps=12, ray="local", jobs=2)
    killed: list[int] = []
    killer = threading.Thread(target=kill_one_at_work, args=(Path(config.out), killed))
    killer.start()
    try:
        study = run_study(config, quiet)
    finally:
        killer.join()
    assert killed and study is not None
    assert (study.cells, study.failed, study.missing) == (5, 0, 0)
    plan = make_study(config, None)
    order = {"setup": plan.known.setup.to_dict(), "out": str(tmp_path / "alone"), "device": "cpu", "weights": True}
    (tmp_path / "alone" / "cells").mkdir(parents=True)
    shop = Workshop(order)
    for cell in plan.known.grid.cells():
        shop.make(cell)
    assert records(tmp_path / "alone") == records(config.out)


def test_a_study_keeps_what_sigterm_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray takes it: a study that is told to end would leave by an exit in the middle of its writing."""
    ray = types.SimpleNamespace(
        init=lambda **options: signal.signal(signal.SIGTERM, signal.SIG_IGN),
        remote=lambda task: types.SimpleNamespace(options=lambda **resources: task),
    )
    monkeypatch.setattr(cluster, "_import_ray", lambda address: ray)
    before = signal.getsignal(signal.SIGTERM)
    try:
        cluster.Cluster("local", {"setup": {"threads": 1, "device": "cpu"}}, 1)
        assert signal.getsignal(signal.SIGTERM) == before
    finally:
        signal.signal(signal.SIGTERM, before)


def test_without_ray_the_way_to_get_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'ray>=2\.40'"):
        cluster.Cluster("local", {"setup": {"threads": 1, "device": "cpu"}}, 1)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:{port}", "ray://127.0.0.1:{port}", "ray://no-such-host.invalid", "[::1]:{port}"]
)
def test_a_cluster_that_is_not_there_is_said_before_ray_tries_for_minutes(address: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = address.format(port=free.getsockname()[1])  # taken, and nobody listens
        with pytest.raises(NadaError, match=f"--ray {re.escape(address)}: nobody answers at .*is Ray running there"):
            cluster.check_address(address)


@pytest.mark.parametrize("address", ["head", "head:0", "head:99999", "http://head:6379", "", "ray://", "head:6379/x"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="no address of Ray's; write local, auto, head:6379"):
        cluster.check_address(address)


def test_a_cluster_that_answers_is_left_to_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also at the port that Ray's client takes by itself."""
    asked: list[tuple[str, int]] = []
    monkeypatch.setattr(cluster.socket, "create_connection", lambda where, within: asked.append(where) or socket.socket())
    for address in ("local", "auto", "head:6379", "ray://head", "[fe80::1]:7"):
        cluster.check_address(address)
    assert asked == [("head", 6379), ("head", 10001), ("fe80::1", 7)]


def test_a_task_keeps_its_workshop_for_the_next_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading generator and judge for every cell would take longer than small cells do."""

    class Shop:
        spoilt = False

        def __init__(self, order: dict[str, str]) -> None:
            opened.append(order["out"])

        def make(self, cell: Cell) -> None:
            self.spoilt = cell.seed == 1

    opened: list[str] = []
    monkeypatch.setattr("nada.study.workshop.Workshop", Shop)
    monkeypatch.setattr(cluster, "_shops", [])
    for out, seed in (("a", 0), ("a", 1), ("a", 0), ("b", 0), ("b", 0)):
        cluster.make_cell({"out": out}, Cell("all", "x", "y", (), 0.1, "auto", seed, 1).to_dict())
    assert opened == ["a", "a", "b"]
