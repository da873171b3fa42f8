"""How much memory an adaptation step needs, per resolution and batch, with and without checkpointing.

    python experiments/bench/memory.py --json experiments/bench/results/memory.json

Every case runs in a process of its own. On a CPU the peak is the largest resident size of the whole process (Python,
torch, both networks and the guide included) in the steps; what was resident before the first, and the peak of loading
everything, stand beside it. On a GPU it is what torch had allocated at most.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import machine
from step import VARIANTS, environment, numbers

SIZES, QUICK_SIZES = (256, 512, 1024), (32,)


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sizes", help="resolutions, such as 256,1024 (default: 256,512,1024)")
    parser.add_argument("--batches", help="pictures in a step (default: 1,4)")
    parser.add_argument("--layers", default="late:2", help="which layers move (default: late:2)")
    parser.add_argument("--variants", default="fast", help=f"of {', '.join(VARIANTS)} (default: fast)")
    parser.add_argument("--checkpointing", choices=("off", "on", "both"), default="both")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--threads", type=int, help="threads of every process (default: torch's choice)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", help="where to write the result")
    parser.add_argument("--quick", action="store_true", help="tiny networks at 32 px: does it run?")
    options = parser.parse_args(words)
    options.sizes = numbers(options.sizes) or (QUICK_SIZES if options.quick else SIZES)
    options.batches = numbers(options.batches) or ((1,) if options.quick else (1, 4))
    options.variants = options.variants.split(",")
    if unknown := set(options.variants) - set(VARIANTS):
        parser.error(f"unknown {', '.join(sorted(unknown))}; there are {', '.join(VARIANTS)}")
    options.checkpointing = ("off", "on") if options.checkpointing == "both" else (options.checkpointing,)
    return options


def measure(options: argparse.Namespace, variant: str, size: int, batch: int, checkpointing: str) -> dict[str, Any]:
    """Run some steps in a process of their own and return its peak in bytes."""
    told = {
        "variant": variant,
        "size": size,
        "batch": batch,
        "layers": options.layers,
        "steps": options.steps,
        "warmup": 0,
        "quick": options.quick,
        "device": options.device,
        "parts": ["step"],
        "settings": {} if variant.startswith("plain") else {"checkpointing": checkpointing == "on"},
    }
    run = machine.run_worker("step_worker.py", told, environment(variant, options.threads, options.quick))
    step = run["step"]
    names = ("peak_of_loading", "before", "peak", "peak_is_of_steps", "median", "precision", "kernels")
    case = {"size": size, "batch": batch, "variant": variant, "checkpointing": checkpointing}
    return {**case, **{name: step[name] for name in names}, "allocator": run["allocator"]}


def measure_all(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure every case; the plain twin knows no checkpointing."""
    rows = []
    for size in options.sizes:
        for batch in options.batches:
            for variant in options.variants:
                for checkpointing in ("off",) if variant.startswith("plain") else options.checkpointing:
                    rows.append(measure(options, variant, size, batch, checkpointing))
                    print(line(rows[-1]), file=sys.stderr, flush=True)
    return rows


def line(row: dict[str, Any]) -> str:
    """Return a row for people."""
    before = "?" if row["before"] is None else f"{row['before'] / 1e9:.2f}"
    return (
        f"{row['size']:>5} px  batch {row['batch']}  {row['variant']:<11} checkpointing {row['checkpointing']:<3}  "
        f"loading {row['peak_of_loading'] / 1e9:.2f}  before {before}  peak {row['peak'] / 1e9:.2f} GB  "
        f"{row['median']:.3f} s a step  {row['precision']}"
    )


def main(words: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, write."""
    options = arguments(words)
    before = machine.describe(options.device)
    rows = measure_all(options)
    protocol = {name: getattr(options, name) for name in ("layers", "steps", "quick", "device")}
    protocol["peak"] = "allocated by torch on the GPU" if options.device != "cpu" else "resident size of the process"
    protocol["guide"] = "the bundled demo" if options.quick else "ViT-B/32, random weights"
    result = {"kind": "memory", "machine": before, "load_after": machine.load(), "protocol": protocol, "rows": rows}
    print("\n".join(map(line, rows)))
    machine.write(options.json, result)
    return result


if __name__ == "__main__":
    main()
