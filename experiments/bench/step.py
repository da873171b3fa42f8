"""How long one adaptation step takes: nada in two modes and the published arrangement in plain torch.

    python experiments/bench/step.py --json experiments/bench/results/step.json

Every variant runs in processes of its own, since the allocator is chosen before torch starts, in turn and several times
over: a busy moment of the machine then meets all of them. Ratios of medians are what counts. The networks have the
published sizes and random weights (ViT-B/32 as the guide); nothing is downloaded.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from typing import Any

import machine

VARIANTS = {
    "reference": "nada, torch kernels, fp32",
    "fast": "nada, fused kernels, as --precision auto picks",
    "plain": "plain twin, fp32, default allocator",
    "plain_tuned": "plain twin, fp32, tuned allocator",
}
PARTS = {"step": "adaptation step", "generator": "generator forward + backward"}
SIZES, QUICK_SIZES = (32, 256, 512, 1024), (32,)


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sizes", help="resolutions, such as 32,256 (default: 32,256,512,1024)")
    parser.add_argument("--batch", type=int, help="pictures in a step (default: 4; 2 at 512 px, 1 at 1024 px)")
    parser.add_argument("--layers", default="late:2", help="which layers move (default: late:2)")
    parser.add_argument("--rounds", type=int, default=3, help="how often every variant's process is started")
    parser.add_argument("--steps", type=int, default=3, help="timed calls in a process")
    parser.add_argument("--warmup", type=int, default=2, help="calls before the timed ones")
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--parts", default=",".join(PARTS), help="step, generator or both")
    parser.add_argument("--threads", type=int, help="threads of every process (default: torch's choice)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", help="where to write the result")
    parser.add_argument("--quick", action="store_true", help="tiny networks at 32 px: does it run?")
    options = parser.parse_args(words)
    options.sizes = numbers(options.sizes) or (QUICK_SIZES if options.quick else SIZES)
    options.variants, options.parts = options.variants.split(","), options.parts.split(",")
    for given, known in ((options.variants, VARIANTS), (options.parts, PARTS)):
        if unknown := set(given) - set(known):
            parser.error(f"unknown {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return options


def numbers(text: str | None) -> tuple[int, ...]:
    """Read `32,256`; nothing gives an empty tuple."""
    return tuple(int(word) for word in text.split(",")) if text else ()


def batch_of(options: argparse.Namespace, size: int) -> int:
    """Return how many pictures a step has: fewer at large sizes, where the plain twin keeps some GB a picture."""
    return options.batch or {512: 2, 1024: 1}.get(size, 4)


def environment(variant: str, threads: int | None, quick: bool = False) -> dict[str, str]:
    """Return what distinguishes the process of a variant; the allocator is the worker's business.

    A bench that says fused kernels must not fall back in silence; a quick look may.
    """
    fast = "auto" if quick else "compiled"
    result = {"NADA_OPS": fast if variant == "fast" else "reference"}
    if threads:
        result["OMP_NUM_THREADS"] = str(threads)
    return result


def task(options: argparse.Namespace, variant: str, size: int) -> dict[str, Any]:
    """Return what a worker is told."""
    shared = ("layers", "steps", "warmup", "quick", "device", "parts")
    sizes = {"size": size, "batch": batch_of(options, size)}
    return {"variant": variant, **sizes, **{name: getattr(options, name) for name in shared}}


def measure_size(options: argparse.Namespace, size: int) -> list[dict[str, Any]]:
    """Time all variants at one resolution, in turn; one row a variant and part."""
    runs: dict[str, list[dict[str, Any]]] = {variant: [] for variant in options.variants}
    for number in range(options.rounds):
        for variant in options.variants:
            told = task(options, variant, size)
            settings = environment(variant, options.threads, options.quick)
            runs[variant].append(machine.run_worker("step_worker.py", told, settings))
            parts = "  ".join(f"{part} {runs[variant][-1][part]['median']:.3f} s" for part in options.parts)
            print(f"{size} px, round {number + 1}/{options.rounds}, {variant}: {parts}", file=sys.stderr, flush=True)
    sizes = {"size": size, "batch": batch_of(options, size)}
    return [{**sizes, **row(part, variant, runs[variant])} for part in options.parts for variant in options.variants]


def row(part: str, variant: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Put the rounds of a variant together: the median of the rounds' medians, and all of them."""
    rounds = [run[part]["median"] for run in runs]
    facts = {name: runs[0][part][name] for name in ("precision", "kernels")}
    return {
        "part": part,
        "variant": variant,
        "seconds": statistics.median(rounds),
        "rounds": rounds,
        "allocator": runs[0]["allocator"],
        "threads": runs[0]["threads"],
        "short_spin": runs[0]["short_spin"],
        **facts,
    }


def add_ratios(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Say how many times faster each row is than the plain twin with the default allocator, and return the rows."""
    plain = {(row["size"], row["part"]): row["seconds"] for row in rows if row["variant"] == "plain"}
    for row in rows:
        twin = plain.get((row["size"], row["part"]))
        row["times_faster_than_plain"] = None if twin is None else round(twin / row["seconds"], 3)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a table for people."""
    lines = [f"{'px':>5} {'batch':>5}  {'part':<10} {'variant':<12} {'seconds':>9} {'plain / this':>13}  how"]
    for row in rows:
        ratio = row["times_faster_than_plain"]
        shown = "" if ratio is None else f"{ratio:.2f}"
        lines.append(
            f"{row['size']:>5} {row['batch']:>5}  {row['part']:<10} {row['variant']:<12} {row['seconds']:>9.4f} {shown:>13}  "
            f"{row['precision']}, {row['kernels']}, {row['allocator']} allocator"
        )
    return "\n".join(lines)


def main(words: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, write."""
    options = arguments(words)
    result = {"kind": "step", "machine": machine.describe(options.device), "load_after": None, "protocol": protocol(options)}
    rows: list[dict[str, Any]] = []
    for size in options.sizes:
        rows += add_ratios(measure_size(options, size))
        # After every size: a run of all of them takes most of an hour, and may be cut off.
        result |= {"load_after": machine.load(), "rows": rows}
        machine.write(options.json, result)
    print(table(rows))
    return result


def protocol(options: argparse.Namespace) -> dict[str, Any]:
    """Return what was asked for, in the words of the report."""
    shared = ("layers", "rounds", "steps", "warmup", "quick", "device")
    return {
        **{name: getattr(options, name) for name in shared},
        "variants": {name: VARIANTS[name] for name in options.variants},
        "parts": {name: PARTS[name] for name in options.parts},
        "guide": "the bundled demo" if options.quick else "ViT-B/32, random weights",
    }


if __name__ == "__main__":
    main()
