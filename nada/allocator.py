"""Two settings of the process that a CPU step gains from; for our own programs, before torch is loaded.

Memory: glibc hands every freed block of more than 32 MB back to the kernel and pays for it again with page faults
at the next step. Three `mallopt` settings stop that, which halves the time of a training step on Linux.

Threads: a thread of libgomp that has done its share of a loop spins for the others, for so long that two runs beside
one another on a few cores spend most of their time waiting: on 2 cores two runs at once took 2.0 times as long with
the default as with a short spin, which alone costs 9 % (28 s against 14 s, 6.2 s against 6.75 s).

A library must change neither for its host.
"""

from __future__ import annotations

import ctypes
import os
import sys

# Numbers from glibc's malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_SETTINGS = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, 64 << 20))
_SPINS = "1000"  # turns of the loop; libgomp's own number is 300,000


def tune_allocator() -> bool:
    """Make the settings; False where there is no glibc (other systems, musl), which is no error."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):
        return False
    return all([libc.mallopt(name, value) == 1 for name, value in _SETTINGS])


def tune_threads() -> bool:
    """Shorten the wait of idle threads; False where the person has chosen one, or torch is loaded and it is too late."""
    if "torch" in sys.modules or os.environ.keys() & {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}:
        return False
    os.environ["GOMP_SPINCOUNT"] = _SPINS
    return True
