"""Decoding in threads, in the order of the source, with few pictures in memory at a time."""

from __future__ import annotations

import io
import os
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from nada.data.fitting import Fit
from nada.data.records import Record
from nada.errors import NadaError
from nada.images import formats, load_image

Result = TypeVar("Result")

_CHUNK = 32  # pictures that one thread takes at a time ...
_CHUNK_BYTES = 4 << 20  # ... or fewer where they are large
_BYTES_WAITING = 64 << 20
_LARGE = 20_000_000  # pixels; a picture beyond takes some hundred MB, so only one is decoded at a time
_large_ones = threading.Lock()


def default_workers() -> int:
    """One thread per processor that this process may use, at most 16: beyond, Python's own lock is the limit."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(there, 16)


def decode(record: Record, fit: Fit) -> np.ndarray:
    """A picture as uint8 `(size, size, 3)`. Raises NadaError naming the picture where it cannot be read."""
    with large_one_alone(pixels_of(record.data)):
        return fit.apply(load_image(record.data, record.name, fit.background))


def large_one_alone(pixels: int) -> AbstractContextManager[Any]:
    """Wait until no other thread decodes a picture with very many pixels, where this one has so many too."""
    return _large_ones if pixels > _LARGE else nullcontext()


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keep Pillow's warnings quiet, around all threads: each restoring what it found would lose filters for good."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def in_order(
    work: Callable[[Record], Result], records: Iterable[Record], workers: int | None = None, result_bytes: int = 0
) -> Iterator[tuple[Record, Result | NadaError]]:
    """Do `work` on every record in threads; yield each with its result, or the NadaError it raised, in order.

    A record whose source could not give its bytes comes with that problem, undone.

    Threads, as Pillow decodes, resizes and encodes outside Python's lock; on two cores, processes were not faster, not
    even for the smallest pictures, and each would take the memory of torch anew. The records given back hold no bytes.
    `result_bytes`, about what a result takes, keeps the results of many threads within some memory too. To be used
    inside `without_warnings`.
    """
    workers = workers or default_workers()
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[tuple[int, Future[list[Any]]]] = deque()
        try:
            for size, chunk in _chunks(records, result_bytes):
                while waiting and (len(waiting) > workers or sum(waits for waits, _ in waiting) > _BYTES_WAITING):
                    yield from waiting.popleft()[1].result()
                waiting.append((size, pool.submit(_work_on, chunk, work)))
            while waiting:
                yield from waiting.popleft()[1].result()
        finally:
            for _, future in waiting:
                future.cancel()


def _work_on(chunk: list[Record], work: Callable[[Record], Result]) -> list[tuple[Record, Result | NadaError]]:
    done: list[tuple[Record, Result | NadaError]] = []
    for record in chunk:
        result: Result | NadaError
        try:
            if record.problem is not None:
                raise NadaError(record.problem)
            result = work(record)
        except NadaError as error:
            result = error
        done.append((record._replace(data=b""), result))
    return done


def _chunks(records: Iterable[Record], result_bytes: int) -> Iterator[tuple[int, list[Record]]]:
    chunk: list[Record] = []
    size = 0
    for record in records:
        chunk.append(record)
        size += len(record.data) + result_bytes
        if len(chunk) == _CHUNK or size >= _CHUNK_BYTES:
            yield size, chunk
            chunk, size = [], 0
    if chunk:
        yield size, chunk


def pixels_of(data: bytes) -> int:
    """The size that a picture's header claims; 0 where there is no header, which `load_image` tells better."""
    width, height = _shape_of(data)
    return width * height


def side_of(data: bytes) -> int:
    """The shorter side that a picture's header claims, in pixels; 0 where there is no header."""
    return min(_shape_of(data))


def _shape_of(data: bytes) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(data), formats=formats()) as image:
            return image.size
    except Exception:  # Pillow's decoders raise a dozen types on damaged data
        return 0, 0
