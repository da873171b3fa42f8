"""A whole step as one CUDA graph: hundreds of kernels are launched by one call, and the processor is free meanwhile.

A graph repeats fixed operations on fixed memory. So what is drawn goes into buffers that stay where they are, and the
operations must not depend on a value: adaptive layers and mixed styles are left to the plain step.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

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
        self._warm_up(device)
        if device.type == "cuda":
            self._capture(device)

    def __call__(self, draw: Draw) -> Tensor:
        """Take the step that `draw` is for. On a GPU what is returned is overwritten by the next call."""
        self._inputs.load(draw)
        if self._graph is None:
            return self._take(self._parts)
        self._graph.replay()
        return self._result

    @torch.no_grad()
    def _warm_up(self, device: torch.device) -> None:
        """Take some steps, then put everything back: a graph must find its libraries and Adam's moments ready."""
        before = {tensor.data_ptr(): tensor.clone() for tensor in self._written()}
        if device.type == "cuda":
            stream = torch.cuda.Stream(device)
            stream.wait_stream(torch.cuda.current_stream(device))
            with torch.cuda.stream(stream):
                self._repeat()
            torch.cuda.current_stream(device).wait_stream(stream)
        else:
            self._repeat()
        for tensor in self._written():
            saved = before.get(tensor.data_ptr())
            tensor.zero_() if saved is None else tensor.copy_(saved)  # moments that did not exist were zero

    @torch.enable_grad()
    def _repeat(self) -> None:
        for _ in range(WARM_UP):
            self._take(self._parts)

    def _capture(self, device: torch.device) -> None:
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.device(device), torch.cuda.graph(graph):
                self._result = self._take(self._parts)
        except RuntimeError as error:  # an encoder of somebody else's may do what no graph can hold
            reason = str(error).splitlines()[0]
            warnings.warn(
                f"The step cannot be captured as a CUDA graph ({reason}) and runs without one, which is slower; "
                "--no-graph leaves out the attempt.",
                stacklevel=2,
            )
            torch.cuda.synchronize(device)
            return
        self._graph = graph
