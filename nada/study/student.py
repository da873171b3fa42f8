"""Student's t distribution for whole degrees of freedom, in closed form (Abramowitz & Stegun 1964, 26.7.3 and 26.7.4)."""

from __future__ import annotations

import functools
import math

from nada.errors import NadaError


def t_within(t: float, df: int) -> float:
    """Return P(|T| <= |t|) for Student's t with `df` degrees of freedom, a whole number of at least 1."""
    if df < 1 or df != int(df):
        raise NadaError(f"Student's t needs a whole number of degrees of freedom, at least 1, not {df}.")
    if math.isinf(t):
        return 1.0
    angle = math.atan(abs(t) / math.sqrt(df))
    sine, cosine = math.sin(angle), math.cos(angle)
    if df % 2 == 0:
        return min(1.0, sine * _series(cosine * cosine, range(1, df - 1, 2)))
    tail = sine * cosine * _series(cosine * cosine, range(2, df - 2, 2)) if df > 1 else 0.0
    return min(1.0, 2 / math.pi * (angle + tail))


def _series(square: float, numerators: range) -> float:
    """1 + a/(a+1) x + a/(a+1) (a+2)/(a+3) x² + …, with a the first of the numerators."""
    total = term = 1.0
    for numerator in numerators:
        term *= numerator / (numerator + 1) * square
        total += term
    return total


def t_two_sided(t: float, df: int) -> float:
    """Return the two-sided p-value P(|T| > |t|); not more exact than 1e-15 absolutely."""
    return max(0.0, 1.0 - t_within(t, df))


@functools.cache
def t_quantile(level: float, df: int) -> float:
    """Return how far a two-sided interval of this level reaches, in standard errors: 4.303 for 0.95 and `df` 2."""
    if not 0 < level < 1:
        raise NadaError(f"The level of an interval is {level}; it must lie between 0 and 1, as in 0.95.")
    low, high = 0.0, 1.0
    while t_within(high, df) < level:
        low, high = high, 2 * high
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if t_within(middle, df) < level else (low, middle)
    return high
