# SPDX-License-Identifier: GPL-2.0-only
"""Refusals alone and two at once: calls to which one or two refusals of a command apply.

Two refusals prepare one kernel, each up to the call that is refused.  What the arguments of the
two calls change in an ordinary call is put together into one call, and this one is made with the
capabilities that both leave.  Where the two change one argument differently, or where one cannot be
prepared beside the other, there is no such call.

>>> from reference_model import Kernel
>>> faults = next(found for found in FAULTS if found.name == "map_create: KeySize, MaxEntries")
>>> plan = faults.plan("5.9")
>>> plan is not None and plan.answer(Kernel)
'EINVAL'
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import cache, partial
from itertools import combinations, groupby
from typing import Any, NamedTuple

from .. import errors
from ..errors import BpfError, UndefinedBehaviour
from ..forwarding import Forwarder
from ..interface import KernelInterface
from ..kernel import Kernel
from ..releases import Release
from ..state import CAPABILITIES
from ..steps import Step
from . import ALL
from .ordinary import ORDINARY
from .setup import Refusal, Setup

Provoke = Callable[[Setup], object]


class Stopped(BaseException):
    """Stops a refusal before its call: the arguments, and the capabilities that are left."""

    def __init__(self, arguments: dict[str, Any], capabilities: frozenset[str]) -> None:
        super().__init__()
        self.arguments = arguments
        self.capabilities = capabilities


class NotTogether(Exception):
    """Two refusals cannot be prepared together, or change one argument differently."""


class Watch(Forwarder):
    """A kernel that counts the calls of a command, and can stop before one of them."""

    _kernel: Any

    def __init__(self, kernel: Any, command: str, stop: int = 0) -> None:
        super().__init__(kernel)
        self._command = command
        self._stop = stop
        self.calls = 0
        """The calls of the command so far."""
        self.fails_memory = False
        """Whether an allocation was made to fail, which is not possible on a real kernel."""

    def _forward(
        self, name: str, act: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        self.fails_memory |= name == "fail_next"
        if name == self._command:
            self.calls += 1
            if self.calls == self._stop:
                raise Stopped(_arguments(name, args, kwargs), self._kernel.capabilities)
        return act(*args, **kwargs)

    @property
    def memlock(self) -> int | None:
        """RLIMIT_MEMLOCK of the kernel."""
        limit: int | None = self._kernel.memlock
        return limit

    @memlock.setter
    def memlock(self, limit: int | None) -> None:
        self._kernel.memlock = limit

    sysctl = 2
    """What the refusal sets kernel.unprivileged_bpf_disabled to: kernels are made with it."""

    @property
    def unprivileged_bpf_disabled(self) -> int:
        """The sysctl of the kernel."""
        return self.sysctl

    @unprivileged_bpf_disabled.setter
    def unprivileged_bpf_disabled(self, number: int) -> None:
        self.sysctl = number


def _arguments(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name, also those that have a default."""
    bound = inspect.signature(getattr(KernelInterface, name)).bind(None, *args, **kwargs)
    bound.apply_defaults()
    return {name: given for name, given in bound.arguments.items() if name != "self"}


class Need(NamedTuple):
    """What a refusal needs to be provoked on a kernel."""

    stop: int
    """Which call of the command is refused."""
    sysctl: int
    """kernel.unprivileged_bpf_disabled"""


@cache
def need(refusal: Refusal, release: str) -> Need | None:
    """What a refusal needs on a release; None if no real kernel can be brought to it."""
    watch = Watch(Kernel(release), refusal.operation)
    with suppress(BpfError):
        refusal.provoke(Setup(watch))  # type: ignore[arg-type]
    return None if watch.fails_memory else Need(watch.calls, watch.sysctl)


def _prepared(setup: Setup, kernel: Any, command: str, provoke: Provoke, stop: int) -> Stopped:
    """Do all that a refusal does before its call, and return the call; NotTogether if it cannot."""
    setup.kernel = Watch(kernel, command, stop)  # type: ignore[assignment]
    try:
        provoke(setup)
    except Stopped as stopped:
        return stopped
    except BpfError as error:
        raise NotTogether(error) from None
    raise NotTogether("the refusal does not come to its call")


def _merged(base: dict[str, Any], one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call that has what both calls change in an ordinary one."""
    merged = dict(base)
    for name, plain in base.items():
        first, second = one[name], other[name]
        if name == "body":
            merged[name] = [*_body(first), *_body(second)]
        elif _same(first, plain) or _same(first, second):
            merged[name] = second
        elif _same(second, plain):
            merged[name] = first
        elif name.endswith("flags") and all(isinstance(each, int) for each in (first, second)):
            merged[name] = int(first) | int(second)
        else:
            raise NotTogether(name)
    return merged


def _same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and bool(one == other))


def _body(given: Any) -> list[Any]:
    return [given] if isinstance(given, Step) else list(given)


class Plan(NamedTuple):
    """How a kernel of a release is brought to two refusals at once."""

    command: str
    provokes: tuple[tuple[Provoke, int], ...]
    """What prepares each refusal, in an order that works, and which of its calls is refused."""
    sysctl: int

    def answer(self, made: Callable[..., Any]) -> str:
        """The errno with which a new kernel refuses, or ``"ok"``; ``made`` takes the sysctl."""
        kernel = made(unprivileged_bpf_disabled=self.sysctl)
        setup = Setup(kernel)
        ordinary = _prepared(setup, kernel, self.command, ORDINARY[self.command], 1)
        arguments, left = ordinary.arguments, CAPABILITIES
        for provoke, stop in self.provokes:
            refused = _prepared(setup, kernel, self.command, provoke, stop)
            arguments = _merged(ordinary.arguments, arguments, refused.arguments)
            left &= refused.capabilities
        with nullcontext() if left == CAPABILITIES else kernel.user(*left):
            try:
                getattr(kernel, self.command)(**arguments)
            except BpfError as error:
                return error.name
        return "ok"


WARNS_BEFORE = {errors.SpinLocksOfBothKinds: Release("7.2")}
"""Refusals that a kernel before this release accompanies with a warning in its log.

btf_parse_fields() warned on 6.19.14 and did not on 7.3.4; in the source of 7.2.13 its checks are
those of 7.3.4.  A guest whose kernel warned has failed, so it is not asked.
"""


@dataclass(frozen=True)
class Faults:
    """One refusal of a command, or two."""

    name: str
    """The command and the errors, numbered where a command has an error more than once."""
    refusals: tuple[Refusal, ...]

    @property
    def errors(self) -> tuple[type[BpfError], ...]:
        """The errors of the refusals."""
        return tuple(refusal.error for refusal in self.refusals)

    def plan(self, release: str) -> Plan | None:
        """How a call with all of them is made on a release; None if there is no such call."""
        if not all(refusal.on(release) for refusal in self.refusals):
            return None
        on = Release(release)
        if any(error in WARNS_BEFORE and on < WARNS_BEFORE[error] for error in self.errors):
            return None
        needs = [need(refusal, release) for refusal in self.refusals]
        known = [found for found in needs if found is not None]
        if len(known) < len(needs):
            return None
        provokes = [
            (refusal.provoke, found.stop)
            for refusal, found in zip(self.refusals, known, strict=True)
        ]
        sysctl = min(found.sysctl for found in known)
        for order in (provokes, provokes[::-1]):
            plan = Plan(self.refusals[0].operation, tuple(order), sysctl)
            with suppress(NotTogether, TypeError, ValueError, UndefinedBehaviour):
                plan.answer(partial(Kernel, release))
                return plan
        return None


def _faults() -> Iterator[Faults]:
    for command, group in groupby(ALL, key=lambda refusal: refusal.operation):
        if command in ORDINARY:
            numbers: Counter[str] = Counter()
            named = []
            for refusal in group:
                error = refusal.error.__name__
                numbers[error] += 1
                number = f" {numbers[error]}" if numbers[error] > 1 else ""
                named.append((f"{error}{number}", refusal))
            for alone in named:
                yield Faults(f"{command}: {alone[0]}", alone[1:])
            for (one, first), (other, second) in combinations(named, 2):
                yield Faults(f"{command}: {one}, {other}", (first, second))


FAULTS = tuple(_faults())
"""All refusals alone, and all pairs of refusals of one command, in the order of the refusals."""


def modelled(release: str) -> dict[str, str]:
    """What the model answers on a release, by the names of the faults of which there is a call."""
    plans = ((faults.name, faults.plan(release)) for faults in FAULTS)
    return {name: plan.answer(partial(Kernel, release)) for name, plan in plans if plan is not None}
