# SPDX-License-Identifier: GPL-2.0-only
"""Processes that work for a command, and end with it.

A module of its own, because most commands start no process and importing this takes time.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from .commands import TERMINATED, cores


@contextmanager
def workers(
    jobs: int, begin: Callable[..., object] = lambda: None, arguments: tuple[Any, ...] = ()
) -> Iterator[ProcessPoolExecutor]:
    """Processes that work, at most one for each core.

    None outlives this one, and none continues after an exception here.
    """
    others = multiprocessing.active_children()
    pool = ProcessPoolExecutor(min(jobs, cores()), initializer=_work, initargs=(begin, arguments))
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)  # while Python forks, it drops exceptions
    pool.submit(int)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    try:
        yield pool
    except BaseException:
        # Cancelled work goes first: Python 3.11 prints a traceback if it is left when workers end.
        pool.shutdown(wait=False, cancel_futures=True)
        mine = [process for process in multiprocessing.active_children() if process not in others]
        for process in mine:
            process.terminate()
        for process in mine:
            process.join()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


_ENDING = (signal.SIGINT, signal.SIGTERM)


def _work(begin: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    """Begin to work: leave Ctrl-C to the parent, and end with it, even if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    begin(*arguments)


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(TERMINATED)
