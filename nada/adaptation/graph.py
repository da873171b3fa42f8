"""A whole step as one CUDA graph: hundreds of kernels are launched by one call, and the processor is free meanwhile.

A graph repeats fixed operations on fixed memory. So what is drawn goes into buffers that stay where they are, and the
operations must not depend on a value: adaptive layers and mixed styles are left to the plain step.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from nada.adaptation.draw import Draw

WARM_UP = 3  # steps before the capture; libraries set themselves up and choose their algorithms in them
_ALIGNMENT = 64  # numbers; every buffer starts at a multiple of 256 bytes


class Inputs:
    """A draw's tensors as slices of one float32 buffer on a device, filled by one copy from the CPU.

    Attributes:
        draw: the draw on the device; its tensors are overwritten by `load` and never move.
    """

    def __init__(self, like: Draw, device: torch.device) -> None:
        sizes = [-(-tensor.numel() // _ALIGNMENT) * _ALIGNMENT for tensor in like.tensors()]
        self._host = torch.zeros(sum(sizes), pin_memory=device.type == "cuda")
        self._device = self._host if device.type == "cpu" else torch.zeros(sum(sizes), device=device)
        self._slots = _slices(like, self._host, sizes).tensors()
        self.draw = _slices(like, self._device, sizes)

    def load(self, draw: Draw) -> None:
        """Copy a draw of the same sizes; the last one must have been used up, since its memory is written to."""
        for slot, tensor in zip(self._slots, draw.tensors(), strict=True):
            slot.copy_(tensor)
        if self._device is not self._host:
            self._device.copy_(self._host, non_blocking=True)


def _slices(like: Draw, flat: Tensor, sizes: Sequence[int]) -> Draw:
    places = iter(flat.split(list(sizes)))
    return like.map(lambda tensor: next(places)[: tensor.numel()].view(tensor.shape))


class StaticStep:
    """`take` on buffers that stay, captured on a GPU; elsewhere the same calls are simply made, which tests rely on.

    Args:
        take: a step on the parts of a draw; it returns a vector on the device and waits for nothing.
        written: all tensors that `take` writes to and that outlive it; the warm-up is undone on them.
        like: a draw of the sizes to come.
        parts: how many parts `take` gets it in.
    """

    def __init__(
        self,
        take: Callable[[Sequence[Draw]], Tensor],
        written: Callable[[], list[Tensor]],
        like: Draw,
        device: torch.device,
        parts: int = 1,
    ) -> None:
        self._take, self._written = take, written
        self._inputs = Inputs(like, device)
        self._inputs.load(like)
        self._parts = self._inputs.draw.split(parts)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._result: Tensor | None = None
        # One stream for both, of this device: torch's own for captures belongs to the device that it was first used on.
        stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._warm_up(stream)
        if stream is not None:
            self._capture(stream)

    def __call__(self, draw: Draw) -> Tensor:
        """Take the step that `draw` is for. On a GPU what is returned is overwritten by the next call."""
        self._inputs.load(draw)
        if self._graph is None:
            return self._take(self._parts)
        self._graph.replay()
        return self._result

    @torch.no_grad()
    def _warm_up(self, stream: torch.cuda.Stream | None) -> None:
        """Take some steps, then put everything back: a graph must find its libraries and Adam's moments ready."""
        before = {tensor.data_ptr(): tensor.clone() for tensor in self._written()}
        try:
            if stream is None:
                self._repeat()
            else:
                stream.wait_stream(torch.cuda.current_stream(stream.device))
                with torch.cuda.stream(stream):
                    self._repeat()
        finally:  # also where memory runs out: the weights that are saved then are those of the last real step
            if stream is not None:
                torch.cuda.current_stream(stream.device).wait_stream(stream)
            for tensor in self._written():
                saved = before.get(tensor.data_ptr())
                tensor.zero_() if saved is None else tensor.copy_(saved)  # moments that did not exist were zero

    @torch.enable_grad()
    def _repeat(self) -> None:
        for _ in range(WARM_UP):
            self._take(self._parts)

    def _capture(self, stream: torch.cuda.Stream) -> None:
        graph = torch.cuda.CUDAGraph()
        try:
            with capturing(graph, stream):
                self._result = self._take(self._parts)
        except Exception as error:  # an encoder of somebody else's may do what no graph can hold, and say so in any way
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            warnings.warn(
                f"The step cannot be captured as a CUDA graph ({reason}) and runs without one, which is slower; "
                "--no-graph leaves out the attempt.",
                stacklevel=2,
            )
            torch.cuda.synchronize(stream.device)  # raises if more than the capture is broken
            return
        self._graph = graph


@contextmanager
def capturing(graph: torch.cuda.CUDAGraph, stream: torch.cuda.Stream) -> Iterator[None]:
    """While open, work goes into `graph` instead of to the device; `stream` is the current one.

    What fails inside is raised as itself, although torch would raise what it finds at the end of the capture, and the
    process can go on afterwards, and capture other graphs.
    """
    pool = torch.cuda.graph_pool_handle()
    failed: BaseException | None = None
    try:
        # torch.cuda.graph leaves its stream the current one if the capture cannot be ended; the context around it does not.
        with torch.cuda.device(stream.device), torch.cuda.stream(stream), torch.cuda.graph(graph, pool, stream):
            try:
                yield
            except BaseException as error:
                failed = error
                raise
    except BaseException as error:
        failed = failed or error
    if failed is not None:
        _forget_capture(stream.device.index, pool)
        raise failed  # not inside the handler: a circle of errors and frames would keep the memory of all that failed


def _forget_capture(device: int, pool: tuple[int, int]) -> None:
    """Tell the allocator that a capture is over which could not be ended, as torch does only for those that could.

    Else it frees no cached memory from then on, until the process runs out of it, and refuses every later capture. There
    is no public way to say so.
    """
    end, release = (getattr(torch._C, name, None) for name in ("_cuda_endAllocateToPool", "_cuda_releasePool"))
    if end is None or release is None:
        return
    try:
        end(device, pool)
    except RuntimeError:  # it was ended, and its memory goes with the graph
        return
    release(device, pool)
