# SPDX-License-Identifier: GPL-2.0-only
"""A kernel that keeps a timeline: which attachments and storages there were, and what they held.

A Recorder stands before a Kernel of the model; after each operation that did something it notes all
attachments and all storages.

>>> from reference_model import *
>>> kernel = Recorder(Kernel("5.8"))
>>> web = kernel.mkdir("web")
>>> counts = kernel.map_create(
...     BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts"
... )
>>> count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
>>> kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS)
>>> for _ in range(3):
...     kernel.fire(web, BPF_CGROUP_INET_EGRESS)
>>> kernel.prog_detach(web, count, BPF_CGROUP_INET_EGRESS)
>>> for sentence in kernel.timeline.sentences():
...     print(sentence)
prog_attach(web, count, egress): count on web, egress is created; storage counts[web, egress] \
is created with 0.
fire(web, egress), 3 times: counts[web, egress] is now 3.
prog_detach(web, count, egress): count on web, egress is removed; storage counts[web, egress] is \
freed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from .attachments import Attachment
from .cgroups import Socket
from .cgrp_storage import CgrpStorageMap
from .errors import UNDEFINED, BpfError, Denied, UndefinedBehaviour
from .forwarding import Forwarder
from .kernel import Kernel
from .maps import Map, StorageMap
from .storages import Storage
from .timeline import CHANGING, VERBS, Lane, Observation, Timeline, TimelineStep
from .uapi import AttachType

if TYPE_CHECKING:
    from .catalogue.story import Observe, Observer

WATCHED = CHANGING.keys()
"""The calls that are a step of a timeline even if they succeed and nobody observes them."""

READS = frozenset(
    ("map_lookup_elem", "map_get_next_key", "prog_query", "link_info", "prog_test_run", "look")
)
"""Those that only look: what they see belongs to the step before."""


class _Element(NamedTuple):
    """An element of a CGRP_STORAGE map."""

    map: CgrpStorageMap
    cgroup: Any


class Recorder(Forwarder):
    """A kernel of the model that keeps a timeline; used in its place by a story."""

    _kernel: Kernel

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.timeline = Timeline(kernel.release.name)
        self._lanes: dict[object, Lane] = {}
        self._asked: list[TimelineStep] | None = None
        """The operations of the current observation."""

    def observing(self, observer: Observer) -> Observe:
        """Return an observer that also adds a step for each answer that ``observer`` notes."""

        def observing(label: str, act: Callable[[], Any]) -> Any:
            self._asked = []
            try:
                return observer(label, act)
            finally:
                step, self._asked = _together(self._asked), None
                step.answers = [Observation(label, str(observer.seen.get(label, "")))]
                self._note(step)

        return observing

    def _forward(
        self, name: str, act: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if name not in VERBS:
            return act(*args, **kwargs)
        step = _step(name, args, kwargs)
        try:
            return act(*args, **kwargs)
        except BpfError as error:
            step.answers = [Observation("", error.name)]
            raise
        except Denied as denied:
            step.answers = [Observation("", denied.answer)]
            raise
        except UndefinedBehaviour:
            step.answers = [Observation("", UNDEFINED)]
            raise
        finally:
            if self._asked is not None:
                self._asked.append(step)
            elif name in WATCHED or step.answers:
                self._note(step)

    def _note(self, step: TimelineStep) -> None:
        """Add a step, and what is there after it."""
        timeline = self.timeline
        there = dict(self._things())
        born = [thing for thing in there if thing not in self._lanes]
        gone = [thing for thing in self._lanes if thing not in there]
        last = timeline.steps[-1] if timeline.steps else None
        if last and not born and not gone and replace(last, times=1) == step and not step.answers:
            last.times += 1
        elif last and step.answers and READS.issuperset(step.operation.split(" and ")):
            last.answers += step.answers
        else:
            timeline.steps.append(step)
        number = len(timeline.steps) - 1
        for thing in gone:
            self._lanes.pop(thing).end = number
        for thing in born:
            lanes, label, _ = there[thing]
            self._lanes[thing] = Lane(label, number)
            lanes.append(self._lanes[thing])
        for thing, (_, _, value) in there.items():
            lane = self._lanes[thing]
            if value and lane.value_at(number) != value:
                lane.values = [old for old in lane.values if old[0] != number] + [(number, value)]
        if any(text == UNDEFINED for _, text in step.answers):
            timeline.undefined = number

    def _things(self) -> Iterator[tuple[object, tuple[list[Lane], str, str]]]:
        kernel, timeline = self._kernel, self.timeline
        for cgroup in kernel.cgroups.values():
            for hook, attached in cgroup.hooks.items():
                for entry in attached.attachments:
                    label = _attachment(entry, short(hook))
                    yield (entry, entry.program), (timeline.attachments, label, "")
            for element, data in cgroup.local_storages.items():
                label = f"{_name(element)}[{cgroup.name}]"
                value = _text(element.value.decode(data))
                yield _Element(element, cgroup), (timeline.storages, label, value)
        for found in kernel.objects["map"].values():
            if isinstance(found, StorageMap):
                for storage in found.entries.values():
                    yield storage, (timeline.storages, _label(found, storage), _value(storage))


def short(hook: AttachType | str) -> str:
    """An attach type as a reader says it.

    >>> from reference_model import BPF_CGROUP_INET_EGRESS
    >>> short(BPF_CGROUP_INET_EGRESS)
    'egress'
    """
    name = str(hook).removeprefix("BPF_CGROUP_").removeprefix("BPF_")
    return name.removeprefix("INET_").lower()


def _attachment(entry: Attachment, hook: str) -> str:
    program = entry.program
    through = f" (link {entry.link.id})" if entry.link else ""
    name = program.name or f"program {program.id}"
    return f"{name} on {entry.cgroup.name}, {hook}{through}"


def _name(found: Map) -> str:
    return found.name or f"map {found.id}"


def _label(found: StorageMap, storage: Storage) -> str:
    key: Any = storage.key
    kind = f", {short(AttachType(key[1]))}" if isinstance(key, tuple) else ""
    return f"{_name(found)}[{storage.cgroup.name}{kind}]"


def _value(storage: Storage) -> str:
    found = storage.map
    size, slot = found.value_size, found.slot
    values = [
        _text(found.value.decode(storage.data[a : a + size]))
        for a in range(0, len(storage.data), slot)
    ]
    return f"[{', '.join(values)}]" if found.storage_kind else values[0]


def _text(value: Any) -> str:
    """A value of a map, short.

    >>> _text({"packets": 3, "bytes": 0}), _text(bytes(64)), _text(b"ab")
    ('packets 3, bytes 0', '64 zero bytes', '0x6162')
    """
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(member)}" for name, member in value.items())
    if isinstance(value, bytes):
        return "0x" + value.hex() if any(value) else f"{len(value)} zero bytes"
    return str(value)


def _step(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> TimelineStep:
    """An operation and its arguments."""
    if name in ("map_create", "prog_load"):
        called = kwargs.get("map_name") or kwargs.get("prog_name")
        words: tuple[str, ...] = (called,) if called else ()
        return TimelineStep(name, words, words)
    positional = [(_word(arg), _names(arg)) for arg in args]
    by_name = [
        (f"{key} {_word(arg)}", key == "cpu" or _names(arg))
        for key, arg in kwargs.items()
        if arg is not None
    ]
    words = tuple(word for word, _ in positional + by_name)
    return TimelineStep(name, words, tuple(word for word, names in positional + by_name if names))


def _names(arg: Any) -> bool:
    """Whether an argument names something, and is no flag and no plain value."""
    if isinstance(arg, (AttachType, Socket, tuple)):
        return True
    return not isinstance(arg, int) and (hasattr(arg, "object") or hasattr(arg, "name"))


def _word(arg: Any) -> str:
    """An argument in a word."""
    if isinstance(arg, AttachType):
        return short(arg)
    if isinstance(arg, tuple):
        return f"({', '.join(_word(part) for part in arg)})"
    if isinstance(arg, int):
        return str(arg)
    if isinstance(arg, Socket):
        return f"socket of {arg.cgroup.name}"
    inner = getattr(arg, "object", arg)
    name = getattr(inner, "name", None)
    if name:
        return str(name)
    return f"{inner.kind} {inner.id}" if hasattr(inner, "kind") else str(arg)


def _together(steps: list[TimelineStep]) -> TimelineStep:
    """The operations of one observation as one step."""
    if len(steps) == 1:
        return steps[0]
    names = list(dict.fromkeys(step.operation for step in steps))
    if not names:
        return TimelineStep("look")
    if len(names) == 1:
        return TimelineStep(names[0], times=len(steps))
    return TimelineStep(" and ".join(names))
