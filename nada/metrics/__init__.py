"""How good are generated pictures: arrays of features in, numbers out, with their uncertainty.

Nothing here reads a file, draws from a global random state or knows where features come from. All sums are
float64, whatever the inputs are (NumPy arrays or torch tensors), and all random choices are seeded. Names are
resolved when they are first used.

`x_distance`, `x_score` and the like return the number alone; `x_estimate` returns the same number with its interval
(`Estimate`). Which way is better, the range, what a biased number means and the paper stand with each function.
"""

from __future__ import annotations

from nada._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
