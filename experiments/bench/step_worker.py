"""One variant of the adaptation step, timed in a process of its own; `step.py` and `memory.py` start it.

    python experiments/bench/step_worker.py '{"variant": "fast", "size": 32, "batch": 4, "layers": "late:2"}'

The last line it prints is a JSON object: seconds of every call, and the memory that was needed.
"""

from __future__ import annotations

import gc
import json
import resource
import statistics
import sys
import time
from typing import Any

from nada.allocator import tune_allocator, tune_threads

VALUES = json.loads(sys.argv[1])
# Before torch is loaded, as our commands do it. The plain twin is run as its users run it, or with the allocator alone.
TUNED = VALUES["variant"] != "plain" and tune_allocator()
SHORT_SPIN = not VALUES["variant"].startswith("plain") and tune_threads()

import torch  # noqa: E402
from variants import Job, Task, make_job  # noqa: E402


def resident() -> int | None:
    """Return the bytes that this process holds in memory now; None where the system does not say."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return None


def peak_resident() -> int:
    """Return the largest number of bytes that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def forget_peak(device: str) -> bool:
    """Start counting the peak anew; False where the system cannot, and the peak may be of the time before."""
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
        return True
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # see proc(5)
        return True
    except OSError:
        return False


def peak(device: str) -> int:
    """Return the peak in bytes since `forget_peak`: of the process, or of what torch allocated on the GPU."""
    return torch.cuda.max_memory_allocated(device) if device.startswith("cuda") else peak_resident()


def held(device: str) -> int | None:
    """Return the bytes that are held now, of the same kind as `peak`."""
    return torch.cuda.memory_allocated(device) if device.startswith("cuda") else resident()


def clock(job: Job, device: str) -> float:
    """Return the seconds of one call, the GPU's work included."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    started = time.perf_counter()
    job.call()
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def measure(task: Task) -> dict[str, Any]:
    """Run what the task asks for, part by part."""
    result: dict[str, Any] = {"variant": task.variant, "allocator": "tuned" if TUNED else "default"}
    for part in task.parts:
        job = make_job(task, part)
        before, loading, forgotten = held(task.device), peak(task.device), forget_peak(task.device)
        for _ in range(task.warmup):
            job.call()
        times = [clock(job, task.device) for _ in range(task.steps)]
        result[part] = {
            "median": statistics.median(times),
            "seconds": times,
            "peak_of_loading": loading,
            "before": before,
            "peak": peak(task.device),
            "peak_is_of_steps": forgotten,
            **job.facts,
        }
        del job
        gc.collect()
    return {**result, "threads": torch.get_num_threads(), "short_spin": SHORT_SPIN}


if __name__ == "__main__":
    print(json.dumps(measure(Task(**VALUES))))
