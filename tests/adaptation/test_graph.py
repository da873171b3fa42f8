"""Captures that fail, on a made-up GPU: what torch leaves behind then, and that none of it stays."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from contextlib import nullcontext

import pytest
import torch

from nada.adaptation import graph
from nada.adaptation.draw import Draw

LIKE = Draw((torch.ones(2, 4),), None, (0, 0), ({}, {}), [])


class FakeStream:
    def __init__(self, device: torch.device) -> None:
        self.device = device

    def wait_stream(self, other: FakeStream) -> None:
        pass


class FakeCuda:
    """Streams, captures and the allocator's list of captures, as far as torch 2.13 treats them so.

    Attributes:
        current: the current stream.
        underway: memory pools of captures that the allocator takes for running ones.
        released: pools that were given back.
        invalid: whether ending a capture fails, as it does after an operation that no graph can hold.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.usual = self.current = FakeStream(torch.device("cuda:1"))
        self.underway: list[tuple[int, int]] = []
        self.released: list[tuple[int, int]] = []
        self.streams: list[FakeStream] = []
        self.invalid = False
        self._pools = 0
        for name, fake in {
            "Stream": FakeStream,
            "stream": lambda stream: _FakeStreams(self, stream),
            "current_stream": lambda device: self.current,
            "device": lambda device: nullcontext(),
            "graph": lambda made, pool, stream: _FakeCapture(self, pool, stream),
            "graph_pool_handle": self._pool,
            "synchronize": lambda device: None,
            "CUDAGraph": object,
        }.items():
            monkeypatch.setattr(torch.cuda, name, fake)
        monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", self.end, raising=False)
        monkeypatch.setattr(torch._C, "_cuda_releasePool", lambda _, pool: self.released.append(pool), raising=False)
        inputs = graph.Inputs
        monkeypatch.setattr(graph, "Inputs", lambda like, device: inputs(like, torch.device("cpu")))

    def _pool(self) -> tuple[int, int]:
        self._pools += 1
        return 0, self._pools

    def end(self, device: int, pool: tuple[int, int]) -> None:
        if pool not in self.underway:
            raise RuntimeError("endAllocatePool: not currently recording to mempool_id")
        assert device == 1
        self.underway.remove(pool)


class _FakeStreams:
    """`torch.cuda.stream`: no generator, since one that is forgotten would put the stream back."""

    def __init__(self, cuda: FakeCuda, stream: FakeStream) -> None:
        self._cuda, self._stream = cuda, stream

    def __enter__(self) -> None:
        self._before, self._cuda.current = self._cuda.current, self._stream

    def __exit__(self, *error: object) -> None:
        self._cuda.current = self._before


class _FakeCapture:
    """`torch.cuda.graph`: it ends the capture first, and puts the stream back only if that worked."""

    def __init__(self, cuda: FakeCuda, pool: tuple[int, int], stream: FakeStream) -> None:
        self._cuda, self._pool, self._streams = cuda, pool, _FakeStreams(cuda, stream)
        cuda.streams.append(stream)

    def __enter__(self) -> None:
        assert not self._cuda.underway, "INTERNAL ASSERT FAILED: captures_underway.empty()"
        self._streams.__enter__()
        self._cuda.underway.append(self._pool)

    def __exit__(self, *error: object) -> None:
        if self._cuda.invalid:
            raise RuntimeError("operation failed due to a previous error during capture")
        self._cuda.end(1, self._pool)
        self._streams.__exit__()


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    return FakeCuda(monkeypatch)


def static_step(fail: Callable[[], None]) -> graph.StaticStep:
    """A step that does `fail` in its fourth call, which is the one that is captured."""
    calls: list[int] = []

    def take(parts: Sequence[Draw]) -> torch.Tensor:
        calls.append(1)
        if len(calls) == graph.WARM_UP + 1:
            fail()
        return parts[0].latents[0] * 2

    return graph.StaticStep(take, lambda: [], LIKE, torch.device("cuda:1"))


def raising(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_a_capture_that_cannot_be_ended_leaves_no_stream_and_no_pool_behind(cuda: FakeCuda) -> None:
    """Else all later work runs on the capture's stream, and the allocator frees nothing and refuses every capture."""
    cuda.invalid = True
    with pytest.warns(UserWarning, match="not permitted when stream is capturing.*runs without one"):  # not its end's reason
        step = static_step(raising(RuntimeError("operation not permitted when stream is capturing\nin a long text")))
    assert cuda.current is cuda.usual and not cuda.underway and cuda.released == [(0, 1)]
    assert torch.equal(step(LIKE), LIKE.latents[0] * 2)
    cuda.invalid = False
    assert static_step(lambda: None)._graph is not None


def test_the_memory_of_a_failed_step_is_not_kept_by_its_error(cuda: FakeCuda) -> None:
    """Feature maps hang on the frames of a traceback, and a circle of frame and error waits for the collector."""
    cuda.invalid, maps = True, []

    def fail() -> None:
        kept = torch.ones(8)
        maps.append(weakref.ref(kept))
        raise RuntimeError("no graph can hold this")

    with pytest.warns(UserWarning, match="no graph can hold this"):
        static_step(fail)
    assert maps[0]() is None


@pytest.mark.parametrize("error", [ValueError("a kernel of Triton"), AssertionError(), torch.OutOfMemoryError("full")])
def test_a_step_that_fails_in_the_capture_alone_runs_without_one_whatever_its_error_is(
    cuda: FakeCuda, error: Exception
) -> None:
    """The capture ends in order here, so the graph gives its memory back itself, and nobody may do so twice."""
    with pytest.warns(UserWarning, match=f"{error or 'AssertionError'}.*runs without one"):
        step = static_step(raising(error))
    assert torch.equal(step(LIKE), LIKE.latents[0] * 2)
    assert cuda.current is cuda.usual and not cuda.underway and not cuda.released


def test_an_interruption_of_a_capture_is_passed_on_and_leaves_nothing_behind(cuda: FakeCuda) -> None:
    cuda.invalid = True
    with pytest.raises(KeyboardInterrupt):
        static_step(raising(KeyboardInterrupt()))
    assert cuda.current is cuda.usual and not cuda.underway


def test_a_step_is_captured_on_a_stream_of_its_own_device(cuda: FakeCuda) -> None:
    """torch's own stream for captures belongs to the first GPU that it was used on, so a second one could not capture."""
    static_step(lambda: None)
    assert [stream.device for stream in cuda.streams] == [torch.device("cuda:1")] and cuda.current is cuda.usual


@pytest.mark.parametrize("device", ["cpu", "cuda:1"])
def test_a_warm_up_that_runs_out_of_memory_is_undone(cuda: FakeCuda, device: str) -> None:
    """Its steps are no steps of the run, and the state that is saved after the error must not have them."""
    weight = torch.zeros(3)

    def take(parts: Sequence[Draw]) -> torch.Tensor:
        if weight[0] == 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return weight.add_(1)

    with pytest.raises(torch.OutOfMemoryError):
        graph.StaticStep(take, lambda: [weight], LIKE, torch.device(device))
    assert not weight.any() and cuda.current is cuda.usual
