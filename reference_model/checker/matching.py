# SPDX-License-Identifier: GPL-2.0-only
"""Which pages concern an object.

What the object shows of a change counts if the change lies between the releases in question.
"""

from __future__ import annotations

from ..catalogue import Recipe, stories
from ..releases import Release
from . import map_rules, program_rules
from .facts import FAULTS, RULES, Facts
from .findings import FAULT, Finding, differs, of_story

__all__ = ["findings", "map_rules", "program_rules"]


def findings(facts: Facts, releases: list[Release]) -> list[Finding]:
    """All pages that concern the object, each rule once for each thing that it finds."""
    found = []
    for name, rule in RULES:
        for why, places in rule(facts):
            if name in FAULTS:
                found.append(Finding(FAULT, *FAULTS[name], why, tuple(sorted(places))))
            elif isinstance(stories()[name], Recipe) or differs(stories()[name], releases):
                found.append(of_story(name, why, sorted(places)))
    return found
