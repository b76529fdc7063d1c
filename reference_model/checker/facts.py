# SPDX-License-Identifier: GPL-2.0-only
"""What an object shows, and the table of rules that say which pages this concerns.

A rule yields a sentence that says what the object shows, and the places that show it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from .flow import Behaviour
from .objects import PER_CPU, SHARED, STORAGES, Map, Object, Program

_REFERENCE = "map_cgroup_storage.html"


@dataclass(eq=False, repr=False)
class Facts:
    """What an object shows."""

    object: Object
    programs: dict[Program, Behaviour]

    @cached_property
    def storages(self) -> list[Map]:
        """The maps of cgroup storages, shared and per-CPU."""
        return [found for found in self.object.maps if found.type in STORAGES]

    @cached_property
    def users(self) -> dict[Map, list[Program]]:
        """The programs that use each map."""
        found = defaultdict(list)
        for program, behaviour in self.programs.items():
            for one in behaviour.mentions:
                found[one].append(program)
        return found

    def bound(self, program: Program) -> tuple[Map | None, Map | None]:
        """The storage maps of a program, shared and per-CPU."""
        mentions = self.programs[program].mentions
        shared, per_cpu = (
            next((found for found in mentions if found.type == wanted), None)
            for wanted in (SHARED, PER_CPU)
        )
        return shared, per_cpu


Shown = Iterator[tuple[str, list[str]]]
Rule = Callable[[Facts], Shown]

FAULTS = {
    "helper flags": (
        "bpf_get_local_storage() takes no flags",
        f"{_REFERENCE}#rule-helper.flags",
    ),
    "helper map": (
        "Only bpf_get_local_storage() takes these maps",
        f"{_REFERENCE}#rule-helper.only",
    ),
    "one of each": (
        "A program uses at most one map of each type",
        f"{_REFERENCE}#rule-load.one-of-each",
    ),
    "always denies": (
        "A return value of 0 denies the operation",
        f"{_REFERENCE}#rule-load.return-value",
    ),
    "lost update": (
        "A shared value needs atomic operations or a lock",
        "recipes/update_concurrently.html",
    ),
    "interrupted update": (
        "A per-CPU value needs atomic operations, too",
        "percpu_cgroup_storage.html#use-the-map-in-a-program",
    ),
}
"""Faults of a program on all releases: the title and the page of each."""

RULES: list[tuple[str, Rule]] = []
"""Each rule with the name of its story or fault."""


def shows(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule for some stories or faults."""

    def register(rule: Rule) -> Rule:
        RULES.extend((name, rule) for name in names)
        return rule

    return register


def names_of(programs: list[Program]) -> list[str]:
    """The programs with their sections, as places."""
    return [f"program {program.name} [{program.section}]" for program in programs]
