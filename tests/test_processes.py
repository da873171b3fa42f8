"""How processes on GPUs find each other and part, as far as it can be told without one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import distributed

from nada import processes
from nada.errors import NadaError, UsageError
from nada.processes import joined, own_device

NCCL = (
    "NCCL error in: ProcessGroupNCCL.cpp:94, invalid usage, NCCL version 2.27.3\nncclInvalidUsage: a reason.\nLast error:\n"
)
GPU = torch.device("cuda", 1)

if not (distributed.is_available() and distributed.is_gloo_available()):
    pytest.skip("this torch was built without gloo", allow_module_level=True)


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The second of two processes with a GPU each; what is called of torch instead of being done."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def told(name: str) -> Callable[..., None]:
        return lambda *args, **options: calls.append((name, {"args": args, **options}))

    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(processes, "pick_device", torch.device)
    monkeypatch.setattr(torch.cuda, "set_device", told("set_device"))
    monkeypatch.setattr(distributed, "is_nccl_available", lambda: True)
    for name in ("init_process_group", "destroy_process_group"):
        monkeypatch.setattr(distributed, name, told(name))
    monkeypatch.setattr(distributed.distributed_c10d, "_abort_process_group", told("abort"))
    monkeypatch.setattr(distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 2)
    return calls


def test_every_process_has_a_gpu_of_its_own(two: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where `--device cuda:0` puts all of them on the first, which NCCL refuses in words that nobody understands."""
    assert own_device("cuda") == GPU and own_device("cpu") == torch.device("cpu")
    with pytest.raises(UsageError, match="--device cuda:0 would put all processes on one GPU"):
        own_device("cuda:0")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1")  # one on each of two machines
    assert own_device("cuda:0") == torch.device("cuda", 0)


def test_what_lies_in_main_memory_does_not_go_through_gpus(two: list[tuple[str, dict[str, Any]]]) -> None:
    """Fails where features of many pictures would be gathered on the first GPU."""
    with joined(GPU):
        assert [name for name, _ in two] == ["set_device", "init_process_group"]
        assert two[-1][1]["args"] == ("cpu:gloo,cuda:nccl",) and two[-1][1]["device_id"] == GPU
    assert two[-1][0] == "destroy_process_group"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("Duplicate GPU detected : rank 1 and rank 0", "the GPUs cannot work together: Duplicate GPU detected : rank 1"),
        ("ncclRemoteError: a remote process exiting prematurely.", "another process of this work has ended"),
    ],
)
def test_a_broken_connection_is_told_as_what_it_is(two: list[Any], words: str, sentence: str) -> None:
    with pytest.raises(NadaError, match=sentence):
        with joined(GPU):
            raise distributed.DistBackendError(NCCL + words)


def test_a_process_that_failed_alone_does_not_wait_for_the_others(two: list[tuple[str, dict[str, Any]]]) -> None:
    """NCCL's orderly end needs all of them, who would wait for this one for an hour."""
    with pytest.raises(ZeroDivisionError):
        with joined(GPU):
            raise ZeroDivisionError
    assert two[-1][0] == "abort" and "destroy_process_group" not in [name for name, _ in two]
