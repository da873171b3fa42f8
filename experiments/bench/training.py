"""How long one training step takes: nada as `--precision auto` runs it, and the same step in plain torch.

    python experiments/bench/training.py --json experiments/bench/results/training.json

The networks are those of the bundled generator `demo-cifar10`, the pictures random. A call is sixteen steps, so that it
holds the lazy penalty once. Variants run in processes of their own, in turn, as in `step.py`.
"""

from __future__ import annotations

import argparse
from typing import Any

import machine
import step

VARIANTS = {
    "reference": "torch kernels, fp32, channels last, tuned allocator",
    "fast": "fused kernels, as --precision auto picks",
    "plain": "torch kernels and memory order, fp32, default allocator",
}
PARTS = {"training": "16 training steps of `demo-cifar10`, one with R1"}


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--batch", type=int, default=32, help="pictures in a step")
    parser.add_argument("--rounds", type=int, default=3, help="how often every variant's process is started")
    parser.add_argument("--steps", type=int, default=2, help="timed calls of 16 steps in a process")
    parser.add_argument("--warmup", type=int, default=1, help="calls before the timed ones")
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--threads", type=int, help="threads of every process (default: torch's choice)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", help="where to write the result")
    parser.add_argument("--quick", action="store_true", help="tiny networks: does it run?")
    options = parser.parse_args(words)
    options.variants, options.parts, options.layers = options.variants.split(","), list(PARTS), "all"
    return options


def main(words: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, write."""
    options = arguments(words)
    before = machine.describe(options.device)
    rows = step.measure_size(options, 32)
    step.add_ratios(rows)
    shared = ("rounds", "steps", "warmup", "quick", "device")
    protocol = {
        **{name: getattr(options, name) for name in shared},
        "variants": {name: VARIANTS[name] for name in options.variants},
        "parts": PARTS,
    }
    result = {"kind": "training", "machine": before, "load_after": machine.load(), "protocol": protocol, "rows": rows}
    print(step.table(rows))
    machine.write(options.json, result)
    return result


if __name__ == "__main__":
    main()
