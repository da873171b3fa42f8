"""What spoils a picture that an encoder may still like: grain of colour, and no picture at all.

Both look at pixels, so give pictures as the generator makes them: a resize blurs grain away. Both return a number per
picture, so that large sets can be gone through in parts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nada.errors import NadaError

# Differences of blue and red to brightness, ITU-R BT.601.
_CHROMA = np.array([[-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
_GAUSSIAN_MEDIAN = 0.674490  # of |x| for standard normal x
_MASK_NORM = 6.0  # the root of the sum of the mask's squares
LEAST_SIDE = 3
ONE_COLOUR = 12.0


def colour_noise(pictures: Any) -> np.ndarray:
    """Return how strong the grain of colour in each picture is, `(N,)`, in levels of 255; 0 for none.

    The standard deviation of noise in the two colour channels (Cb, Cr), estimated by Immerkær's mask, which does not see
    surfaces that are smooth ("Fast noise variance estimation", CVIU 64, 1996), from the median instead of the mean, so
    that it does not see the few pixels of an edge either. Sharp detail in colour counts as noise: compare
    with the same latents before.

    Args:
        pictures: uint8 `(N, H, W, 3)`, 3 pixels or more each way.

    Raises:
        NadaError: for another type or shape.
    """
    found = [_noise(np.tensordot(picture.astype(np.float64), _CHROMA, (2, 1))) for picture in _checked(pictures)]
    return np.array(found, dtype=np.float64)


def _noise(planes: np.ndarray) -> float:
    """The noise of planes `(H, W, P)`: the root of their mean variance."""
    across = planes[:, :-2] - 2 * planes[:, 1:-1] + planes[:, 2:]
    seen = np.abs(across[:-2] - 2 * across[1:-1] + across[2:])
    deviations = np.median(seen, axis=(0, 1)) / (_GAUSSIAN_MEDIAN * _MASK_NORM)
    return float(np.sqrt(np.mean(deviations**2)))


def colour_spread(pictures: Any) -> np.ndarray:
    """Return how far the pixels of each picture are from its mean colour, `(N,)`: root mean square, in levels of 255.

    0 for a picture of one colour; photographs have 30 to 90, and one below `ONE_COLOUR` shows nothing.

    Args:
        pictures: uint8 `(N, H, W, 3)`.

    Raises:
        NadaError: for another type or shape.
    """
    rows = _checked(pictures)
    return np.sqrt([picture.reshape(-1, 3).astype(np.float64).var(axis=0).mean() for picture in rows]).reshape(-1)


def one_colour_share(spreads: Any, limit: float = ONE_COLOUR) -> float:
    """Return the share of pictures that are nearly one colour, by their `colour_spread`; smaller is better."""
    return float(np.mean(np.asarray(spreads, dtype=np.float64) < limit))


def _checked(pictures: Any) -> np.ndarray:
    array = np.asarray(pictures)
    if array.dtype != np.uint8 or array.ndim != 4 or array.shape[3] != 3 or min(array.shape[1:3]) < LEAST_SIDE:
        raise NadaError(
            f"Pictures are uint8 (N, H, W, 3) of {LEAST_SIDE} pixels or more each way, not {array.dtype} {array.shape}."
        )
    return array
