# SPDX-License-Identifier: GPL-2.0-only
"""A guest that answers: lines go in and come out while it runs.

The second serial port is a socket here, and what the payload reads from ``/dev/ttyS1`` there::

    with Conversation(kernel, payload) as guest:
        answer = guest.ask("a line")

The payload reads a line, writes a line, and so on; at the end of file it ends.  A serial port has
no end of file, so the line is EOF.  Lines go one at a time: the port's driver has no flow control
and keeps no more than some tens of kilobytes.  What is sent is packed, because an emulated port
takes a tenth of a second for a kilobyte.
"""

import base64
import os
import shutil
import socket
import tempfile
import threading
import time
import zlib
from pathlib import Path
from types import TracebackType

from reference_model import leftovers

from . import guest, tools
from .kernels import KernelImage
from .payload import Payload

EOF = "\x04"
"""The line that ends a conversation: control-D."""

BOOT = 300
"""Seconds within which a guest says READY."""

READY = "ready"
"""The payload's first line."""

CLOSING = 15
"""Seconds within which a guest stops after EOF."""


def packed(line: str) -> bytes:
    """A line as it is sent: compressed, in base 64."""
    return base64.b64encode(zlib.compress(line.encode()))


class GuestDied(Exception):
    """The guest gives no more answers; ``result`` tells why."""

    def __init__(self, result: guest.Result) -> None:
        super().__init__(result.problem or "the payload ended")
        self.result = result


class Conversation:
    """A running guest whose payload answers lines.

    ``limit`` is in seconds, for each answer; the payload's own time limit is for all of it.
    """

    def __init__(
        self,
        kernel: KernelImage,
        payload: Payload,
        *,
        limit: float = 300,
        cache: Path = tools.CACHE,
    ) -> None:
        self.kernel = kernel
        self.result: guest.Result | None = None
        self._payload, self._cache, self._limit = payload, cache, limit
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._received = b""

    def __enter__(self) -> "Conversation":
        leftovers.sweep(guest.CONVERSATION)
        # Not below the cache: the path of a socket has at most 107 bytes.
        self._place = Path(tempfile.mkdtemp(prefix=f"{guest.CONVERSATION}-{os.getpid()}-"))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        try:
            self._socket = self._connected(self._place / "port")
            self._until = time.monotonic() + BOOT
            while self._line() != READY:
                pass
        except BaseException:
            self._end(at_once=True)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._end(at_once=kind is not None)

    def ask(self, line: str) -> str:
        """Send a line and return the answer; raise GuestDied if there is none."""
        self._until = time.monotonic() + self._limit
        try:
            self._socket.settimeout(self._limit)
            self._socket.sendall(packed(line) + b"\n")
        except OSError:
            self._dead()
        return self._line()

    # -- the guest ----------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self.result = guest.run(
                self.kernel,
                self._payload,
                cache=self._cache,
                stop=self._stop,
                port=self._place / "port",
            )
        except BaseException as error:
            self._failure = error

    def _connected(self, path: Path) -> socket.socket:
        until = time.monotonic() + BOOT
        while True:
            port = socket.socket(socket.AF_UNIX)
            try:
                port.connect(os.fspath(path))
                return port
            except OSError:
                port.close()
                if not self._thread.is_alive() or time.monotonic() > until:
                    self._dead()
            time.sleep(0.02)

    def _line(self) -> str:
        while b"\n" not in self._received:
            self._socket.settimeout(max(0.01, self._until - time.monotonic()))
            try:
                more = self._socket.recv(1 << 16)
            except OSError:
                more = b""
            if not more:
                self._dead()
            self._received += more
        line, _, self._received = self._received.partition(b"\n")
        return line.decode(errors="replace")

    def _dead(self) -> None:
        """Raise what became of the guest."""
        self._end(at_once=True)
        if self._failure is not None:
            raise self._failure from None
        assert self.result is not None
        raise GuestDied(self.result) from None

    def _end(self, *, at_once: bool) -> None:
        port = getattr(self, "_socket", None)
        if port is not None and not at_once:
            try:
                port.sendall(f"{EOF}\n".encode())
                self._thread.join(CLOSING)
            except OSError:
                pass
        if at_once:  # a panic ends QEMU by itself, and its last words are wanted
            self._thread.join(1)
        self._stop.set()
        self._thread.join()
        if port is not None:
            port.close()
        shutil.rmtree(self._place, ignore_errors=True)
