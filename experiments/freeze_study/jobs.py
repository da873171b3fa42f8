"""How much sooner the quick study is done with two jobs than with one, on one thread each: a ratio in one run.

    python experiments/freeze_study/jobs.py [--generator demo-cifar10] [--json FILE]

Nothing else should run meanwhile. The order is one, two, two, one, so that a machine that gets slower favours neither.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ORDER = (1, 2, 2, 1)


def seconds_of(jobs: int, generator: str) -> float:
    """The wall-clock time of the whole command, from its start to its report."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--quick", "--generator", generator, "--jobs", str(jobs), "--threads", "1", "--out", f"{folder}/study"]
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "nada", "freeze-study", *options], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begun


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--generator", default="demo-cifar10")
    parser.add_argument("--json", type=Path, help="write the numbers to this file, too")
    asked = parser.parse_args()
    times: dict[int, list[float]] = {1: [], 2: []}
    for jobs in ORDER:
        times[jobs].append(seconds_of(jobs, asked.generator))
        print(f"{jobs} job{'s' if jobs > 1 else ''}: {times[jobs][-1]:.1f} s", flush=True)
    ratio = sum(times[1]) / sum(times[2])
    print(f"two jobs are {ratio:.2f} times as fast as one")
    if asked.json:
        load = os.getloadavg()[0]
        found = {"generator": asked.generator, "seconds": times, "ratio": ratio, "cores": os.cpu_count(), "load": load}
        asked.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
