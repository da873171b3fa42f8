"""What happens to the weights once there are gradients; all on the device, so that no GPU is ever waited for."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from nada.adaptation.settings import BETAS, Settings

# fp16 gradients below 6e-8 are lost; a scale lifts them, and is halved whenever the largest overflow. Powers of two
# are exact.
FIRST_SCALE, LEAST_SCALE, LARGEST_SCALE = 2.0**12, 1.0, 2.0**24
GROW_AFTER = 200  # steps without an overflow until a doubled scale is tried


class Update:
    """Adam on the parameters that may move, a guard against what is not finite, a loss scale and an average.

    Attributes:
        optimizer: torch's fused Adam, one pass over weights, gradients and moments.
        average: the moving average of the weights by name; empty without one.
        scale: factor of the loss before its backward pass, `None` except for fp16.
    """

    def __init__(self, moving: dict[str, nn.Parameter], settings: Settings, device: torch.device) -> None:
        self._moving, self._settings = moving, settings
        self.optimizer = torch.optim.Adam(
            moving.values(), lr=settings.lr, betas=BETAS, fused=True, capturable=device.type == "cuda"
        )
        self.average = {name: p.detach().clone() for name, p in moving.items()} if settings.ema else {}
        self.scale = torch.tensor(FIRST_SCALE, device=device) if settings.precision == "fp16" else None
        self._unbroken = torch.tensor(0.0, device=device)  # steps since the scale last changed

    @property
    def can_lower_scale(self) -> bool:
        """Whether gradients that were not finite may become so with the scale as it is now."""
        return self.scale is not None and float(self.scale) >= LEAST_SCALE

    def clear(self) -> None:
        """Forget the gradients of the last step; under idle decay they become zeros, which Adam takes for gradients."""
        self.optimizer.zero_grad(set_to_none=not self._settings.idle_decay)

    def scaled(self, loss: Tensor) -> Tensor:
        """Return the loss to call `backward` on."""
        return loss if self.scale is None else loss * self.scale

    @torch.no_grad()
    def apply(self, loss: Tensor) -> Tensor:
        """Move the weights by their gradients, unless `loss` or a gradient is infinite or NaN: then nothing changes.

        Returns 1.0 if nothing was changed, else 0.0, as a 0-d tensor that nobody has waited for.
        """
        gradients = [parameter.grad for parameter in self._moving.values() if parameter.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        skipped = 1.0 - (loss.isfinite() & norm.isfinite()).float()
        self.optimizer.grad_scale, self.optimizer.found_inf = self.scale, skipped
        self.optimizer.step()
        if self.average:
            weight = (1.0 - skipped) * (1.0 - self._settings.ema)
            for name, shadow in self.average.items():
                shadow.lerp_(self._moving[name], weight)
        if self.scale is not None:
            self._adjust_scale(skipped)
        return skipped

    def _adjust_scale(self, skipped: Tensor) -> None:
        self._unbroken.add_(1.0).mul_(1.0 - skipped)
        grow = (self._unbroken >= GROW_AFTER).float()
        self.scale.mul_(1.0 - 0.5 * skipped + grow).clamp_(max=LARGEST_SCALE)
        self._unbroken.mul_(1.0 - grow)

    def tensors(self) -> list[Tensor]:
        """Return every tensor that `apply` writes to, weights included."""
        moments = [value for state in self.optimizer.state.values() for value in state.values()]
        scale = [] if self.scale is None else [self.scale, self._unbroken]
        return [*(p.detach() for p in self._moving.values()), *moments, *self.average.values(), *scale]

    def state_dict(self) -> dict[str, Any]:
        """Return copies of weights, average, moments and scale; tensors and plain values only."""
        return {
            "weights": {name: parameter.detach().clone() for name, parameter in self._moving.items()},
            "average": {name: value.clone() for name, value in self.average.items()},
            "optimizer": copy.deepcopy(self.optimizer.state_dict()),
            "scale": None if self.scale is None else [float(self.scale), float(self._unbroken)],
        }

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over `state_dict`'s value, of the same parameters."""
        for name, value in state["weights"].items():
            self._moving[name].copy_(value)
        for name, value in state["average"].items():
            self.average[name].copy_(value)
        # Our own options, as this device needs them: a state may come from another.
        groups = self.optimizer.state_dict()["param_groups"]
        moments = copy.deepcopy(state["optimizer"]["state"])  # torch would write to the tensors that it is given
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        if self._settings.idle_decay:  # layers that have moved before are stepped with zero gradients from then on
            for parameter in self.optimizer.state:
                parameter.grad = torch.zeros_like(parameter)
        if self.scale is not None and state.get("scale"):
            for tensor, value in zip((self.scale, self._unbroken), state["scale"]):
                tensor.fill_(value)
