# SPDX-License-Identifier: GPL-2.0-only
"""The facts at the top of a story's page, computed from its outcomes and from the records."""

from __future__ import annotations

from common.words import linux
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from records import answers
from records.archive import committed
from records.matrix import AGREES, BREAKS, PART, REPLAYED, compared
from reference_model import MAINLINE, Change, Release
from reference_model.catalogue import AFFECTS, BreakingChange, Difference, Recipe, Story
from reference_model.changes import NAMES


def box(directive: SphinxDirective, name: str, story: Story) -> nodes.field_list:
    """Return the facts as a list of fields."""
    facts = {
        **(of_difference(story) if isinstance(story, Difference) else {}),
        **(of_recipe(story) if isinstance(story, Recipe) else {}),
        "Tested on": tested(name, story),
    }
    text = "".join(f":{field}: {fact}\n" for field, fact in facts.items() if fact)
    (found,) = directive.parse_text_to_nodes(text)
    assert isinstance(found, nodes.field_list)
    found["classes"].append("fact-box")
    return found


def of_difference(story: Difference) -> dict[str, str]:
    """Return what a reader asks first of a change."""
    found = [outcome.since for outcome in story.outcomes if outcome.since is not None]
    changes = [change for change in dict.fromkeys(found) if change.first is not None]
    stable = [
        f"since {', '.join(change.backports)}"
        + f" (the change of {change.first})" * (len(changes) > 1)
        for change in changes
        if change.backports
    ]
    fix = "`What to do <#what-to-do>`__"
    if isinstance(story, BreakingChange) and story.no_fix:
        fix = "none needed"
    return {
        "Changed in": "; ".join(map(change_link, changes)),
        "Stable kernels": "; ".join(stable) or "none known",
        "Affects": AFFECTS[story.affects] if story.affects else "",
        "You see": "; ".join(story.symptoms),
        "Fix": fix if isinstance(story, BreakingChange) else "",
    }


def change_link(change: Change) -> str:
    """Return the release of a change, and its commit.

    >>> from reference_model import changes
    >>> change_link(changes.SHARED_STORAGE)
    ':change:`Linux 5.9 <SHARED_STORAGE>` (:commit:`7d9c3427894f`)'
    """
    commit = f" (:commit:`{change.commit}`)" if change.commit else ""
    return f":change:`Linux {change.first} <{NAMES[change]}>`{commit}"


def of_recipe(story: Recipe) -> dict[str, str]:
    """Return on which releases a recipe works."""
    return {"Releases": linux([release for release in MAINLINE if story.claims(release)])}


def tested(name: str, story: Story) -> str:
    """Return the kernels that showed all that is expected, and the day of the newest test.

    Kernels of which records show a part of it are counted apart.
    """
    archive = committed()
    cells = compared(name, story, archive)
    kernels = [kernel for kernel in cells if cells[kernel].agreement in (AGREES, REPLAYED, BREAKS)]
    parts = sum(cell.agreement is PART for cell in cells.values())
    in_part = f"{parts} {'more ' * bool(kernels)}kernel{'s' * (parts > 1)} in part"
    if not kernels:
        return in_part if parts else "no kernel yet; read from the source"
    kernels.sort(key=Release)
    count = f"{len(kernels)} kernel{'s' * (len(kernels) > 1)}"
    ends = " to ".join(dict.fromkeys((kernels[0], kernels[-1])))
    days = answers.confirmed(name, story, archive).days
    last = f", last on {days[-1]}" if days else ""
    return f"`{count} <#tested-kernels>`__, {ends}{last}" + f"; {in_part}" * bool(parts)
