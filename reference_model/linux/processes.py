# SPDX-License-Identifier: GPL-2.0-only
"""Processes that enter a cgroup and pass hooks on demand, one for each cgroup, until it is removed.

A process is forked when its cgroup is first asked for.  It closes every descriptor that it
inherited (a copy of a link's descriptor would keep the link), enters the cgroup by writing to
cgroup.procs, and then serves: pin itself to a CPU, pass a hook, answer.  It ends when its channel
is closed, and with its parent.

Passing a descriptor from process to process passes hooks of sockets, so a process leaves its
cgroup meanwhile.
"""

from __future__ import annotations

import errno
import gc
import json
import os
import signal
import socket
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from ..events import EVENTS, Hook
from ..uapi import AttachType
from .actions import Ask, Dropped, Process
from .errors import KernelError
from .outside import Outside
from .sockets import drain, new_socket, ready
from .syscall import die_with_parent

_DENIED_SOCKET = {"socket": (errno.ENOMEM, errno.ENOBUFS)}
"""What socket(2) says, beside EPERM, if a program denies: at the LSM hook sk_alloc_security."""
LIMIT = 60.0
"""Seconds that a process may take for one action."""


class Denial(NamedTuple):
    """What a program denied: the system call, or "" for a packet that did not arrive, its errno."""

    call: str
    number: int


class Worker:
    """A forked process in a cgroup; it goes elsewhere for what no hook is to see."""

    def __init__(self, outside: Outside, cgroup: Path, elsewhere: Path) -> None:
        self._outside = outside
        wishes, self._wishes = os.pipe()
        self._answers, answers = os.pipe()
        self._sockets, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _live(_Channel(wishes, answers, theirs), outside, (cgroup, elsewhere), parent)
        os.close(wishes)
        os.close(answers)
        theirs.close()
        try:
            self._answer(0)
        except BaseException:
            self.close()
            raise

    def do(self, hook: Hook, cpu: int, given: int | None = None) -> Denial | None:
        """Pass a hook on a CPU, on the given socket if any; None, or what a program denied.

        KernelError if a system call failed for another reason.
        """
        return self._ask({"hook": _plain(hook), "cpu": cpu}, given)

    def socket(self, cpu: int) -> tuple[Denial | None, int]:
        """Make a UDP socket on a CPU and hand it over; what a program denied, else None, fd."""
        denied = self._ask({"hook": "", "cpu": cpu})
        return denied, -1 if denied is not None else _take(self._sockets)

    def close(self) -> None:
        """End the process and wait for it."""
        os.close(self._wishes)
        os.close(self._answers)
        self._sockets.close()
        deadline = time.monotonic() + 2
        while os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                return
            time.sleep(0.0005)

    def _ask(self, wish: dict[str, Any], given: int | None = None) -> Denial | None:
        if given is not None:
            socket.send_fds(self._sockets, [b"x"], [given])
        self._write({**wish, "given": given is not None})
        return self._answer(wish["cpu"])

    def _write(self, said: object) -> None:
        os.write(self._wishes, json.dumps(said).encode())

    def _answer(self, cpu: int) -> Denial | None:
        """What the process answers, after what it wants of the outside meanwhile."""
        while True:
            if not ready(self._answers, LIMIT):
                raise RuntimeError(f"process {self.pid} has not answered for {LIMIT:g} s")
            data = os.read(self._answers, 4096)
            if not data:
                raise RuntimeError(f"process {self.pid} ended by itself")
            answer = json.loads(data)
            if "outside" not in answer:
                break
            what, family, where = answer["outside"]
            self._write(self._outside.do(what, family, where, cpu))
        if "errno" in answer:
            raise KernelError(answer["errno"], answer["call"])
        return Denial(*answer["denied"]) if "denied" in answer else None


class _Channel(NamedTuple):
    """How a process is reached: pipes, and beside them a socket that only descriptors go through.

    What it wants and answers is no traffic, which programs at LSM hooks might see.
    """

    wishes: int
    answers: int
    sockets: socket.socket


def _take(channel: socket.socket) -> int:
    """The descriptor that comes through the channel."""
    return socket.recv_fds(channel, 1, 1, socket.MSG_CMSG_CLOEXEC)[1][0]


def _plain(hook: Hook) -> int | str:
    return hook if isinstance(hook, str) else int(hook)


def _live(channel: _Channel, outside: Outside, cgroups: tuple[Path, Path], parent: int) -> NoReturn:
    """The life of a forked process; it never returns into the code that forked it."""
    status = 1
    try:
        gc.disable()  # nothing of the parent's is to be closed a second time here
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        die_with_parent(signal.SIGKILL)
        if os.getppid() == parent:
            _close_others({0, 1, 2, *channel[:2], channel.sockets.fileno()})
            _serve(channel, outside, *cgroups)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _close_others(kept: set[int]) -> None:
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in kept:
            with suppress(OSError):  # the descriptor of the listing itself
                os.close(int(name))


def _serve(channel: _Channel, outside: Outside, cgroup: Path, elsewhere: Path) -> None:
    answer, made = _try_enter(cgroup), -1
    cpu = None

    def ask(what: str, family: int, where: str) -> bool:
        os.write(channel.answers, json.dumps({"outside": [what, family, where]}).encode())
        return bool(json.loads(os.read(channel.wishes, 4096)))

    while True:
        if made >= 0:
            with _in(elsewhere, cgroup):
                socket.send_fds(channel.sockets, [b"x"], [made])
            os.close(made)
        os.write(channel.answers, json.dumps(answer).encode())
        data = os.read(channel.wishes, 4096)
        if not data:
            return
        wish, made = json.loads(data), -1
        given = None
        if wish["given"]:
            with _in(elsewhere, cgroup):
                given = _take(channel.sockets)
                drain(given)
        try:
            if wish["cpu"] != cpu:
                cpu = wish["cpu"]
                os.sched_setaffinity(0, {cpu})
            answer, made = _pass(wish["hook"], outside, ask, given)
        except OSError as error:
            answer = {"errno": error.errno, "call": error.filename or "sched_setaffinity"}
        finally:
            if given is not None:
                os.close(given)


def _enter(cgroup: Path) -> None:
    (cgroup / "cgroup.procs").write_text("0")


def _try_enter(cgroup: Path) -> dict[str, Any]:
    try:
        _enter(cgroup)
    except OSError as error:
        return {"errno": error.errno, "call": "cgroup.procs"}
    return {}


@contextmanager
def _in(elsewhere: Path, cgroup: Path) -> Iterator[None]:
    """Be in another cgroup within the block."""
    _enter(elsewhere)
    try:
        yield
    finally:
        _enter(cgroup)


def _pass(
    hook: int | str, outside: Outside, ask: Ask, given: int | None
) -> tuple[dict[str, Any], int]:
    """Pass the hook, or make a socket (""); the answer, and the socket's descriptor or -1."""
    try:
        if hook == "":
            return {}, new_socket()
        event = EVENTS[hook if isinstance(hook, str) else AttachType(hook)]
        Process.act(event, outside.addresses, ask, given)
    except Dropped:
        return {"denied": ("", errno.EPERM)}, -1
    except OSError as error:
        if error.errno not in (errno.EPERM, *_DENIED_SOCKET.get(str(error.filename), ())):
            raise
        return {"denied": (str(error.filename), error.errno)}, -1
    return {}, -1
