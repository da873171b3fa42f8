"""A process that makes cells for another one: it begins once, and then takes one cell after the other.

Nothing here imports torch at the top: the process' memory and threads are settled before it is loaded.
"""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import Any

READY, MADE, BUSY, BROKEN = "ready", "made", "busy", "broken"


def serve(connection: Connection, order: dict[str, Any]) -> None:
    """Say `READY`, then answer each cell with `MADE` and its record, or `BUSY`; end at None or with the parent.

    `BROKEN` and a sentence mean that no cell can be made at all.
    """
    _end_with_parent()
    # Ctrl-C reaches all processes of a terminal; the parent decides what becomes of this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    from nada.allocator import tune_allocator, tune_threads

    tune_allocator()
    tune_threads()
    from nada.errors import NadaError

    try:
        _serve(connection, order)
    except NadaError as error:
        connection.send((BROKEN, str(error)))
    except (EOFError, KeyboardInterrupt, BrokenPipeError):
        return  # the parent is gone, or has said that it is enough


def _serve(connection: Connection, order: dict[str, Any]) -> None:
    from nada.study.cell import Cell
    from nada.study.workshop import Workshop

    shop = Workshop(order)
    connection.send((READY, None))
    while not shop.spoilt:
        asked = connection.recv()
        if asked is None:
            return
        record = shop.make(Cell.from_dict(asked))
        connection.send((BUSY, None) if record is None else (MADE, record))


def _end_with_parent() -> None:
    """End at once when the parent does, however it ended: nobody may go on writing into the folder of a study."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
