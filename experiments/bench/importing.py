"""How long `nada data import` takes and how much memory it needs, on files of your own.

    python experiments/bench/importing.py cifar10-32.zip:32 logos256.parquet:256 --json experiments/bench/results/importing.json

Each import is a process of its own, started as a user would; its time holds the start of Python, and its memory is the
largest resident size of the process. The result is checked for its count and thrown away.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import machine


def measure(source: str, size: int) -> dict[str, Any]:
    """Import one file; seconds of wall clock and of processors, gigabytes at the peak, pictures and bytes that came out."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.zip"
        words = [sys.executable, "-m", "nada", "data", "import", source, str(out), "--size", str(size)]
        started = time.perf_counter()
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            messages = process.stderr.read()
            _, status, used = os.wait4(process.pid, 0)  # the one call that tells this process's memory alone
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - started
        if process.returncode:
            raise SystemExit(f"the import of {source} failed:\n{messages.decode()[-2000:]}")
        with zipfile.ZipFile(out) as archive:
            pictures = sum(name.endswith(".png") for name in archive.namelist())
        scale = 1 if sys.platform == "darwin" else 1024
        return {
            "source": Path(source).name,
            "size": size,
            "pictures": pictures,
            "seconds": round(seconds, 2),
            "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
            "peak_gb": round(used.ru_maxrss * scale / 1e9, 3),
            "megabytes": round(out.stat().st_size / 1e6, 1),
        }


def main(words: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("sources", nargs="+", metavar="FILE:SIZE", help="what to import, and the side in pixels")
    parser.add_argument("--json", help="where to write the result")
    options = parser.parse_args(words)
    before = machine.describe()
    pairs = [source.rpartition(":") for source in options.sources]
    rows = [measure(path, int(size)) for path, _, size in pairs]
    result = {"kind": "importing", "machine": before, "load_after": machine.load(), "protocol": {}, "rows": rows}
    print(json.dumps(rows, indent=1))
    machine.write(options.json, result)
    return result


if __name__ == "__main__":
    main()
