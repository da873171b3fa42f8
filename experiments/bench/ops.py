"""Every operator of nada beside its torch twin, forward and backward, and beside the time that its bytes need.

    python experiments/bench/ops.py --json experiments/bench/results/ops.json

Ours and the twin are timed in turn in one process, after a warm-up, several rounds; medians are compared. All cases are
gone through several times, minutes apart, and the median of a case's medians counts: neighbours on a shared machine make
some minutes slow. What a case must move is every tensor of it read or written once; the bandwidth to compare with is that
of `copy_` of a 256 MB tensor, read and written, measured throughout the run. Allocator and threads are set as our commands
set them (see `nada.allocator`) unless asked otherwise.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from typing import TYPE_CHECKING, Any

import machine

from nada.errors import NadaError

if TYPE_CHECKING:
    from measuring import CopyBandwidth
    from op_cases import Case

LARGE = 8 * 2**20  # bytes of a tensor from which the bandwidth counts
EPILOGUES = ("styled_epilogue",)
NAMES = ("op", "size", "dtype", "layout", "direction")  # of a row


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--ops", help="names, such as bias_act,to_rgb (default: all)")
    parser.add_argument("--sizes", help="such as b64,b256,large (default: all)")
    parser.add_argument("--dtype", default="float32,bfloat16", help="of the feature maps (float16 as well)")
    parser.add_argument("--layouts", default="nchw,channels_last")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--budget", type=float, default=1.0, help="seconds for a case (default: 1)")
    parser.add_argument("--passes", type=int, help="how often all cases are gone through (default: 3, 1 with --quick)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, help="threads (default: torch's choice)")
    parser.add_argument("--allocator", choices=("tuned", "default"), default="tuned")
    parser.add_argument("--json", help="where to write the result")
    parser.add_argument("--quick", action="store_true", help="two small sizes, a short look: does it run?")
    options = parser.parse_args(words)
    options.passes = options.passes or (1 if options.quick else 3)
    return options


def chosen(text: str | None, known: list[str], default: list[str]) -> list[str]:
    """Read a comma-separated choice of known names."""
    names = text.split(",") if text else default
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"there is no {', '.join(unknown)}; choose from {', '.join(known)}")
    return names


def measure(case: Case, copy: CopyBandwidth, budget: float) -> list[dict[str, Any]]:
    """Time a case in both directions; a row each."""
    from measuring import interleaved, medians

    rows = []
    copy.sample()
    for direction in ("forward", "backward"):
        functions = case.functions(direction)
        times = interleaved(functions, case.device, budget / 2)
        rows.append(
            {
                **case.facts(),
                "direction": direction,
                "bytes": case.bytes_moved(direction),
                "rounds": len(times["ours"]),
                "best": {name: min(values) for name, values in times.items()},
                **medians(times),
            }
        )
    return rows


def combine(measured: list[dict[str, Any]], bandwidth: float) -> dict[str, Any]:
    """Put the measurements of one row together, and say how it stands beside the twin and the copying of its bytes."""
    passes = {name: [row[name] for row in measured] for name in ("ours", "twin")}
    ours, twin = (statistics.median(values) for values in passes.values())
    return {
        **measured[0],
        "rounds": sum(row["rounds"] for row in measured),
        "best": {name: min(row["best"][name] for row in measured) for name in passes},
        "passes": passes,
        "ours": ours,
        "twin": twin,
        "gb_per_s": round(measured[0]["bytes"] / ours / 1e9, 3),
        "twin_over_ours": round(twin / ours, 3),
        "ours_over_ideal": round(ours * bandwidth / measured[0]["bytes"], 3),
    }


def complaints(rows: list[dict[str, Any]]) -> list[str]:
    """Return the rows that miss a promise: as fast as the twin, the epilogue four times, large ones near a copy."""
    found = []
    for row in rows:
        name = " ".join(row[key] for key in NAMES)
        wanted = 4.0 if row["op"] in EPILOGUES else 1.0
        if row["twin_over_ours"] < wanted:
            found.append(f"{name}: {row['twin_over_ours']:.2f} times as fast as the twin, not {wanted:g}")
        if row["largest_tensor"] > LARGE and row["ours_over_ideal"] > 2.0:
            found.append(f"{name}: {row['ours_over_ideal']:.2f} times the time that its bytes need, not 2")
    return found


HEAD = (
    f"{'operator':<18} {'size':<6} {'dtype':<9} {'layout':<13} {'direction':<9} {'ours ms':>9} {'twin ms':>9} "
    f"{'twin/ours':>9} {'GB/s':>7} {'ours/ideal':>10}"
)


def line(row: dict[str, Any]) -> str:
    """Return a row for people."""
    return (
        f"{row['op']:<18} {row['size']:<6} {row['dtype']:<9} {row['layout']:<13} {row['direction']:<9} "
        f"{row['ours'] * 1e3:>9.3f} {row['twin'] * 1e3:>9.3f} {row['twin_over_ours']:>9.2f} {row['gb_per_s']:>7.1f} "
        f"{row['ours_over_ideal']:>10.2f}"
    )


def prepare(options: argparse.Namespace) -> dict[str, Any]:
    """Set allocator and threads before torch is loaded, as our commands do; returns what was done."""
    from nada.allocator import tune_allocator, tune_threads

    tuned = options.allocator == "tuned"
    done = {"allocator": "tuned" if tuned and tune_allocator() else "default", "short_spin": tuned and tune_threads()}
    import torch

    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    return done


def main(words: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, write."""
    options = arguments(words)
    prepared = prepare(options)
    from measuring import CopyBandwidth
    from op_cases import DTYPES, LAYOUTS, OPERATORS, SIZES, make_cases

    from nada import ops

    before = machine.describe(options.device)
    budget = 0.02 if options.quick else options.budget
    copy = CopyBandwidth(options.device, 8 if options.quick else 256)
    names = chosen(options.ops, list(OPERATORS), list(OPERATORS))
    sizes = chosen(options.sizes, list(SIZES), ["b4", "b16"] if options.quick else list(SIZES))
    dtypes = chosen(options.dtype, list(DTYPES), [])
    layouts = chosen(options.layouts, list(LAYOUTS), [])
    measured: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    with ops.bodies("compiled"):
        for number in range(options.passes):
            for case in make_cases(names, sizes, dtypes, layouts, options.batch, options.device):
                for row in measure(case, copy, budget):
                    measured.setdefault(tuple(row[name] for name in NAMES), []).append(row)
                print(f"pass {number + 1}, {case.name} {case.size}", end="    \r", file=sys.stderr)
        kernels = ops.describe()
    rows = [combine(found, copy.value) for found in measured.values()]
    print("\n".join([HEAD, *map(line, rows)]))
    found = complaints(rows)
    print(f"copy: {copy.value / 1e9:.1f} GB/s read and written; {len(found)} rows miss a promise")
    print("\n".join(found))
    protocol = {
        "batch": options.batch,
        "seconds_a_case": budget,
        "passes": options.passes,
        **prepared,
        "kernels": kernels,
        "copy_gb_per_s": round(copy.value / 1e9, 3),
        "copy_samples": [round(value / 1e9, 2) for value in copy.samples],
        "quick": options.quick,
    }
    result = {"kind": "ops", "machine": before, "load_after": machine.load(), "protocol": protocol}
    machine.write(options.json, {**result, "missed": found, "rows": rows})
    return {**result, "missed": found, "rows": rows}


if __name__ == "__main__":
    try:
        main()
    except NadaError as error:
        raise SystemExit(f"error: {error}") from None
