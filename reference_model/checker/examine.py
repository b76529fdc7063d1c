# SPDX-License-Identifier: GPL-2.0-only
"""Examine a file: each object in it, on all releases in question.

>>> from reference_model import Release
>>> [examined.doubts for examined in examine("empty", b"", [Release("5.9")])]
[['It contains no BPF object.']]
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..catalogue import BreakingChange
from ..lsm import HOOKS
from ..releases import Release
from ..special_fields import nested_lock
from . import Malformed, code, flow, loading, objects
from .code import Code
from .facts import Facts
from .findings import Finding, left_to_user_space
from .flow import Behaviour
from .images import images
from .loading import Span
from .matching import findings
from .objects import CGRP, HASH, PER_CPU, SHARED, STORAGES, Map, Program

TYPE_NAMES = {SHARED: "shared", PER_CPU: "per-CPU", CGRP: "CGRP_STORAGE"}
"""The map types in question, as in AFFECTS."""
_STORAGE_HELPERS = frozenset({code.GET_LOCAL_STORAGE, code.CGRP_STORAGE_GET})


@dataclass(eq=False, repr=False)
class Examined:
    """What was found in an object, or why nothing can be told of it."""

    file: str
    offset: int = 0
    """The byte of the file at which the object begins."""
    maps: list[Map] = field(default_factory=list)
    """Its maps of the types in question."""
    programs: dict[Program, Behaviour] = field(default_factory=dict)
    """The programs that use them."""
    spans: list[Span] = field(default_factory=list)
    """On which releases it loads; empty if it has no such maps."""
    findings: list[Finding] = field(default_factory=list)
    user_space: dict[str, BreakingChange] = field(default_factory=dict)
    """The changes that an object cannot show."""
    doubts: list[str] = field(default_factory=list)
    """What cannot be told, as sentences."""

    @property
    def affected(self) -> bool:
        """Whether a release rejects the object, or a finding needs an action."""
        refused = any(span.refusal and span.refusal.error for span in self.spans)
        return refused or any(finding.affected for finding in self.findings)


def examine(file: str, data: bytes | mmap.mmap, releases: list[Release]) -> Iterator[Examined]:
    """What is found in each object of a file; ImportError if pyelftools is not installed."""
    found = False
    for image in images(data):
        found = True
        examined = Examined(file, image.offset)
        try:
            _examine(examined, image.data, releases)
        except Malformed as error:
            examined.doubts.append(f"It cannot be read: {error}.")
        yield examined
    if not found:
        yield Examined(file, doubts=["It contains no BPF object."])


def _examine(examined: Examined, data: bytes, releases: list[Release]) -> None:
    of = objects.read(data)
    source = Code(of)
    examined.maps = [found for found in of.maps if found.type in TYPE_NAMES]
    bodies = [source.body(function) for function in of.functions]
    helpers = {helper for body in bodies for helper in body.helpers}
    hashes = any(found.type == HASH for found in of.maps)
    if not (examined.maps or helpers & _STORAGE_HELPERS or hashes and helpers & code.CGROUP_IDS):
        if of.btf and not all(found.type for found in of.maps):
            examined.doubts += of.doubts
        return
    programs = {program: flow.behaviour(of, source, program) for program in of.programs}
    examined.findings = findings(Facts(of, programs), releases)
    if examined.maps or helpers & _STORAGE_HELPERS:
        examined.programs = {
            program: behaviour
            for program, behaviour in programs.items()
            if behaviour.storages
            or behaviour.unknown_storages
            or any(found.type in TYPE_NAMES for found in behaviour.mentions)
        }
        examined.doubts += [*of.doubts, *_doubts(examined.programs)]
        examined.spans = loading.spans(of, programs, releases)
        examined.doubts += [
            f"Whether it loads on {_range(span)} is not known: {span.refusal.text}."
            for span in examined.spans
            if span.refusal and span.refusal.error is None
        ]
        types = {TYPE_NAMES[found.type] for found in examined.maps}
        examined.user_space = left_to_user_space(types, releases)


def _range(span: Span) -> str:
    return str(span.first) if span.first == span.last else f"{span.first} to {span.last}"


def _doubts(programs: dict[Program, Behaviour]) -> Iterator[str]:
    for program, behaviour in programs.items():
        meaning = program.meaning
        storages = any(found.type in STORAGES for found in behaviour.mentions)
        if storages and not meaning.type and not meaning.other:
            yield (
                f"The section {program.section} does not tell the type of the program "
                f"{program.name}, so whether it loads is unknown: user space sets the type."
            )
        if storages and meaning.hook and meaning.hook not in HOOKS:
            yield (
                f"Which kernels have the LSM hook {meaning.hook} is unknown, and so whether the "
                f"program {program.name} loads."
            )
        if behaviour.unknown_storages:
            places = ", ".join(sorted(behaviour.unknown_storages))
            yield f"Which map the program {program.name} uses at {places} is unknown."
        if behaviour.unknown_flags:
            places = ", ".join(sorted(behaviour.unknown_flags))
            yield (
                f"The flags of bpf_get_local_storage() in the program {program.name} at {places} "
                "are unknown, and kernels reject all but a constant 0."
            )
        for found in behaviour.locks:
            if found.value and nested_lock(found.value):
                yield (
                    f"The lock in a value of the map {found.name} is inside another struct. "
                    "Linux finds it there since 6.11, and rejects the program before."
                )
        if behaviour.calls_with_lock:
            places = ", ".join(sorted(behaviour.calls_with_lock))
            yield (
                f"The program {program.name} calls a function at {places} while it holds a lock. "
                "Linux 6.1 rejects such programs, and 6.12 loads them if the function is static."
            )
        if behaviour.register_calls:
            places = ", ".join(sorted(behaviour.register_calls))
            yield (
                f"The program {program.name} calls what a register holds at {places}, as clang "
                "writes helper calls without -O2: compile it with -O2."
            )
        if not behaviour.complete:
            yield f"The code of the program {program.name} could not be followed to its end."
