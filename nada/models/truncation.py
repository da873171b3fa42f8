"""The truncation trick (Karras et al. 2019, arXiv:1812.04948, appendix B): styles are pulled towards a mean.

The mean of all styles of a conditional generator is a mixture of its conditions, so that a truncated picture loses
its class with its defects. Pulled towards the mean of its own condition, it keeps it (Dobler et al. 2022,
arXiv:2202.11777).
"""

from __future__ import annotations

import torch
from torch import Tensor

from nada.errors import UsageError
from nada.models.mapping import Mapping, latents_from_seeds

CENTRES = ("global", "condition")
_LATENTS = 2048  # the mean over so many is within 2 % of a standard deviation
_KEPT = 4096  # conditions whose mean is remembered; texts have no end


class ConditionCentres:
    """Mean styles of conditions, computed when first asked for, and anew after the mapping's weights have changed."""

    def __init__(self) -> None:
        self._made: dict[bytes, Tensor] = {}
        self._of: list[Tensor] = []  # copies, since nothing else tells surely that a weight has changed

    @torch.no_grad()
    def of(self, mapping: Mapping, rows: Tensor) -> Tensor:
        """Return the mean `(N, w_dim)` of w over many latents for every condition of `rows (N, D)`."""
        if not self._current(mapping) or len(self._made) >= _KEPT:
            self._made.clear()
            self._of = [parameter.detach().clone() for parameter in mapping.parameters()]
        keys = [row.tobytes() for row in rows.detach().cpu().numpy()]
        for key, row in zip(keys, rows):
            if key not in self._made:
                self._made[key] = _mean_style(mapping, row)
        return torch.stack([self._made[key] for key in keys]) if keys else mapping.w_avg.expand(0, -1)

    def _current(self, mapping: Mapping) -> bool:
        parameters = list(mapping.parameters())
        return len(parameters) == len(self._of) and all(
            parameter.device == known.device and torch.equal(parameter, known)
            for parameter, known in zip(parameters, self._of)
        )


def _mean_style(mapping: Mapping, row: Tensor) -> Tensor:
    z = latents_from_seeds([0], _LATENTS * mapping.z_dim).reshape(_LATENTS, -1).to(row.device)
    return mapping(z, row.expand(_LATENTS, -1)).mean(dim=0)


def truncate(w: Tensor, centre: Tensor, psi: float, cutoff: int | None) -> Tensor:
    """Pull the first `cutoff` styles of `w (N, L, D)`, None for all, towards `centre`: `(D,)` or `(N, D)`."""
    cut = w.shape[1] if cutoff is None else cutoff
    centre = centre if centre.ndim == 1 else centre[:, None]
    return torch.cat([centre.lerp(w[:, :cut], psi), w[:, cut:]], dim=1)


def check_centre(centre: str) -> None:
    """Raise UsageError unless there is such a centre."""
    if centre not in CENTRES:
        raise UsageError(f"Truncation pulls to the {' or the '.join(CENTRES)} mean, not to {centre!r}.")
