"""What an inversion is asked for, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from nada.errors import UsageError

SPACES = ("w", "w+")
NOISES = ("optimised", "const")


@dataclass(frozen=True)
class Settings:
    """Everything the optimisation reads.

    The defaults were chosen on two (jitter) or three generated pictures of an early `demo-cifar10`: RMSE in [-1, 1],
    mean, after 400 steps from 400 samples and 4 starts, the class unknown, noise optimised with a regularisation of 1 but
    in the last row; the prior was on all of the mean square then, and the maps moved from the first step.

        w, lr 0.1           jitter 0.4, 0.1, 0: 0.035, 0.028, 0.023    noise on the styles did not help
        w, jitter 0         lr 0.2, 0.4: 0.021, 0.025
        w, lr 0.2           prior 0.001, 0.01: 0.021, 0.018            for w+ 0.013, 0.014
        w+, prior 0.001     noise const: 0.027; regularisation 1, 100: 0.013, 0.025

    With a regularisation of 1 the maps hold the picture itself; with 100 they are as uncorrelated as noise. What limited
    it was the start: on seeds 101 and 105, w+, 4 starts ended at 0.059 and 0.049 and at the wrong class for 101; 16 of
    which the better half goes on, with maps that wait, end at 0.034 and 0.018 and the right ones.

    Attributes:
        space: "w" for one style in all layers, "w+" for one in each.
        steps: how many are taken at most.
        seed: of the candidates and of the noise on the styles.
        noise: "optimised" fits the noise maps too, "const" keeps the stored ones.
        samples: how many random styles are looked at for a start; as many for each class that is given.
        starts: how many of the best of them are optimised; the better half of them goes on every tenth of the steps.
        lr: Adam's, in units of the standard deviation of whitened styles.
        jitter: noise on the styles at the beginning, in the same units.
        pixels: weight of the mean squared difference of pixels beside the perceptual distance.
        prior: weight of what keeps the mean square of whitened styles below 1, which is that of random ones.
        noise_regularisation: weight of what keeps pictures out of the noise maps.
        patience: steps without gain after which the learning rate is brought down and the photograph ends.
    """

    space: str = "w+"
    steps: int = 400
    seed: int = 0
    noise: str = "optimised"
    samples: int = 1000
    starts: int = 16
    lr: float = 0.2
    jitter: float = 0.0
    pixels: float = 1.0
    prior: float = 0.01
    noise_regularisation: float = 100.0
    patience: int = 60

    def __post_init__(self) -> None:
        """Raise UsageError for what makes no sense."""
        if self.space not in SPACES:
            raise UsageError(f"The space of styles is {' or '.join(SPACES)}, not {self.space!r}.")
        if self.noise not in NOISES:
            raise UsageError(f"Noise maps are {' or '.join(NOISES)}, not {self.noise!r}.")
        for name in ("steps", "samples", "starts", "lr", "patience"):
            if not 0 < getattr(self, name) < float("inf"):
                raise UsageError(f"{name} must be a positive number, not {getattr(self, name)}.")
        for name in ("jitter", "pixels", "prior", "noise_regularisation"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise UsageError(f"{name.replace('_', ' ')} must be 0 or more, not {getattr(self, name)}.")
        if self.starts > self.samples:
            raise UsageError(f"{self.starts} starts cannot be chosen among {self.samples} samples.")
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"A seed is between 0 and 2^63 - 1, not {self.seed}.")
