"""What a timing depends on beside the code: processor, memory, threads, versions, commit, how busy the machine was."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FLAGS = ("avx2", "fma", "f16c", "avx512f", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "asimd", "bf16", "sve")


def read(path: str) -> str:
    """Return a text file of the system, empty where there is none."""
    file = Path(path)
    return file.read_text() if file.is_file() else ""


def processor() -> dict[str, Any]:
    """Return name, usable cores and those flags that decide which kernels run."""
    facts = dict(re.findall(r"^([\w ]+?)\s*: (.*)$", read("/proc/cpuinfo"), re.M))
    flags = (facts.get("flags") or facts.get("Features") or "").split()
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = re.search(r"MemTotal:\s+(\d+)", read("/proc/meminfo"))
    return {
        "name": facts.get("model name", platform.processor() or platform.machine()),
        "family": f"{facts.get('cpu family', '?')}.{facts.get('model', '?')}",
        "cores": usable,
        "flags": [flag for flag in FLAGS if flag in flags],
        "memory_gb": round(int(memory[1]) / 2**20, 1) if memory else None,
    }


def commit() -> str | None:
    """Return the commit of this checkout, with a plus where files differ from it; None outside a checkout."""
    try:
        name = _git("rev-parse", "--short=12", "HEAD")
        return name + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def describe(device: str = "cpu") -> dict[str, Any]:
    """Return the facts that every result file starts with. Imports torch."""
    import torch

    import nada

    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "processor": processor(),
        "gpu": torch.cuda.get_device_name(device) if device.startswith("cuda") else None,
        "threads": torch.get_num_threads(),
        "load": load(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "nada": nada.__version__,
        "commit": commit(),
    }


def load() -> list[float] | None:
    """Return how many processes wanted to run in the last 1, 5 and 15 minutes: more than the cores is too busy."""
    return [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else None


def run_worker(script: str, task: dict[str, Any], environment: dict[str, str]) -> dict[str, Any]:
    """Run a script of this folder in a process of its own and return the JSON object it prints last.

    Raises:
        SystemExit: with the end of its messages if it fails.
    """
    import nada

    package = str(Path(nada.__file__).resolve().parents[1])
    paths = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    done = subprocess.run(
        [sys.executable, str(HERE / script), json.dumps(task)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{script} failed on {task}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def write(path: str | None, values: dict[str, Any]) -> None:
    """Write a result file, one case a line so that two runs can be compared by eye; nothing without a path."""
    if path is None:
        return
    lines = []
    for key, value in values.items():
        if isinstance(value, list):
            rows = ",\n".join("  " + json.dumps(row) for row in value)
            lines.append(f"{json.dumps(key)}: [\n{rows}\n ]" if value else f"{json.dumps(key)}: []")
        else:
            lines.append(f"{json.dumps(key)}: {json.dumps(value)}")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("{\n " + ",\n ".join(lines) + "\n}\n", encoding="utf-8")
    print(f"written to {path}", file=sys.stderr)
