"""Several processes on one training do what one does, and stop together."""

from __future__ import annotations

import os
import signal
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from nursery import Nursery
from tiny_runs import quiet, steps_in

from nada.config.train import TrainConfig
from nada.errors import UsageError
from nada.training import run_training
from nada.training.material import load_material
from nada.training.plan import make_plan

# Sums in another order: after a few Adam steps, whose first updates are as long for a small gradient as for a large one.
TOLERANCE = 1e-4


@pytest.fixture
def pair(nursery: Nursery):
    """Starts two processes that work together, as torchrun does; on the loopback only."""
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("this torch was built without gloo")

    def start(config: TrainConfig) -> list[int]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "GLOO_SOCKET_IFNAME": _loopback()}
        return [nursery.start(config, **shared, RANK=str(rank), LOCAL_RANK=str(rank)) for rank in range(2)]

    return start


def _loopback() -> str:
    return next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")


def test_two_processes_give_the_weights_of_one_with_the_same_batch(
    config: TrainConfig, nursery: Nursery, pair, tmp_path: Path
) -> None:
    """Fails where a process takes the wrong rows, draws other numbers, or forgets a gradient, a mean or the average style."""
    config = replace(config, batch=8, kimg=0.048, path_length=1.0, mixing=0.5, mirror=True, gamma=1.0, r1_interval=2)
    for process in pair(config):
        assert nursery.wait(process) == 0
    together = _state(Path(config.out))
    alone = _state(run_training(replace(config, out=str(tmp_path / "alone")), quiet).folder.parent)
    assert together["step"] == alone["step"] == 6
    for name in ("augment_probability", "real_sign", "path_mean"):
        assert together[name] == pytest.approx(alone[name], abs=TOLERANCE), name
    for network in ("generator", "average", "discriminator"):
        for name, value in alone[network].items():
            assert torch.allclose(together[network][name], value, atol=TOLERANCE, rtol=TOLERANCE), f"{network} {name}"


def _state(out: Path) -> dict:
    (folder,) = out.iterdir()  # one: the second process writes nothing
    return torch.load(folder / "last.ckpt", weights_only=True)


def test_a_process_that_dies_takes_the_other_one_with_it(config: TrainConfig, nursery: Nursery, pair) -> None:
    """Which would wait for it for an hour; what is saved can be gone on from, by one process, too."""
    first, second = pair(replace(config, kimg=400.0))
    _wait_for_the_first_step(config)
    os.kill(second, signal.SIGKILL)
    assert nursery.wait(second) == -signal.SIGKILL
    assert nursery.wait(first) == 1
    saved = _state(Path(config.out))["step"]
    again = TrainConfig(resume="latest", out=config.out, kimg=(saved + 1) * 4 / 1000)
    assert run_training(again, quiet).finished


def _wait_for_the_first_step(config: TrainConfig) -> None:
    end = time.monotonic() + 60
    while not any(steps_in(folder) for folder in Path(config.out).glob("*-*")):
        assert time.monotonic() < end, "the training does not begin"
        time.sleep(0.01)


def test_a_signal_to_one_process_stops_both_at_the_same_step(config: TrainConfig, nursery: Nursery, pair) -> None:
    config = replace(config, kimg=400.0)
    first, second = pair(config)
    _wait_for_the_first_step(config)
    os.kill(second, signal.SIGTERM)
    assert nursery.wait(second) == 0  # the first one tells how it ended
    assert nursery.wait(first) == 130
    (folder,) = Path(config.out).iterdir()
    assert _state(Path(config.out))["step"] == steps_in(folder)[-1] < 100_000


def test_a_batch_that_cannot_be_shared_out_is_one_sentence(config: TrainConfig) -> None:
    material = load_material(config, torch.device("cpu"))
    with pytest.raises(UsageError, match="--batch 4 cannot be shared out among 3 processes"):
        make_plan(config, material, torch.device("cpu"), world=3)
