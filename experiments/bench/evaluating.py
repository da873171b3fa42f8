"""How long each metric of `nada evaluate` takes and how much memory it needs, its interval included, on many features.

    python experiments/bench/evaluating.py --pictures 50000 --json experiments/bench/results/evaluating.json

Every metric is a process of its own, which draws two sets of normal features; its memory is the largest resident size of
the process, the features included (0.8 GB of it at 50,000 pictures and 2048 numbers). The calls are those of the command.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import machine
import numpy as np

from nada import metrics
from nada.evaluation.computing import SUBSET_SIZE, SUBSETS

Features = np.ndarray
ESTIMATES: dict[str, Callable[[Features, Features], object]] = {
    "frechet": metrics.frechet_estimate,
    "infinity": metrics.frechet_infinity,
    "kernel": lambda a, b: metrics.kernel_estimate(a, b, SUBSETS, SUBSET_SIZE),
    "precision, density": metrics.manifold_estimates,
    "cmmd": metrics.clip_mmd_estimates,
    "sliced": metrics.sliced_estimate,
    "is": lambda a, b: metrics.inception_estimate(a[:, :1008]),
    "clip-i": metrics.clip_i_estimate,
    "clip-t": lambda a, b: metrics.clip_t_estimate(a, b[0]),
    "quality": lambda a, b: metrics.prompt_quality_estimate(a, b[:80]),
    "diversity": lambda a, b: metrics.prompt_diversity_estimate(a),
    "directional": lambda a, b: metrics.directional_similarity_estimate(a, b, a[0], b[0]),
    "content": metrics.clip_i_paired_estimate,
    "neighbours": metrics.neighbour_overlap_estimate,
    "kept": metrics.detect_collapse,
}


def compute(name: str, pictures: int, width: int) -> None:
    """Compute one metric of two sets of features, here."""
    draw = np.random.default_rng(0)
    a = draw.standard_normal((pictures, width), dtype=np.float32)
    b = draw.standard_normal((pictures, width), dtype=np.float32)
    b *= 1.1
    ESTIMATES[name](a, b)


def measure(name: str, pictures: int, width: int, limit: float) -> dict[str, Any]:
    """Compute one metric in a process; seconds of wall clock and processors, gigabytes at the peak, whether it finished."""
    words = [sys.executable, __file__, "--only", name, "--pictures", str(pictures), "--width", str(width)]
    started = time.perf_counter()
    with subprocess.Popen(words) as process:
        while True:
            done, status, used = os.wait4(process.pid, os.WNOHANG)  # the one call that tells this process's memory alone
            seconds = time.perf_counter() - started
            if done:
                process.returncode = os.waitstatus_to_exitcode(status)
                break
            if seconds > limit:
                process.send_signal(signal.SIGKILL)
            time.sleep(0.02)
    if process.returncode not in (0, -signal.SIGKILL):
        raise SystemExit(f"{name} failed, see above")
    scale = 1 if sys.platform == "darwin" else 1024
    return {
        "metric": name,
        "finished": process.returncode == 0,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_gb": round(used.ru_maxrss * scale / 1e9, 3),
    }


def main(words: list[str] | None = None) -> dict[str, Any] | None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--pictures", type=int, default=50_000, help="in each of the two sets")
    parser.add_argument("--width", type=int, default=2048, help="numbers of a picture's features")
    parser.add_argument("--metrics", default=";".join(ESTIMATES), help="some of them, with ; between")
    parser.add_argument("--limit", type=float, default=1800, help="seconds after which one is ended")
    parser.add_argument("--only", help="compute this one, here, and measure nothing")
    parser.add_argument("--json", help="where to write the result")
    options = parser.parse_args(words)
    if options.only:
        return compute(options.only, options.pictures, options.width)
    before, rows = machine.describe(), []
    for name in options.metrics.split(";"):
        row = measure(name, options.pictures, options.width, options.limit)
        rows.append(row)
        print("{metric:20} {seconds:8.1f} s {cpu_seconds:8.1f} s of processors {peak_gb:6.2f} GB".format(**row), flush=True)
    protocol = {"pictures": options.pictures, "width": options.width}
    result = {"kind": "evaluating", "machine": before, "load_after": machine.load(), "protocol": protocol, "rows": rows}
    machine.write(options.json, result)
    return result


if __name__ == "__main__":
    main()
