# SPDX-License-Identifier: GPL-2.0-only
"""Links between stories: ``:story:`NAME``` links to a story's page with its title.

A page that shows titles of other stories notes ``titles`` as facts that it shows.
"""

from __future__ import annotations

from typing import Any

from common.sources import note_facts
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.roles import XRefRole
from sphinx.util.typing import ExtensionMetadata

from reference_model.catalogue import Difference, Story, stories


def helped_by(recipe: str) -> list[str]:
    """The breaking changes and additions that name the recipe."""
    return [name for name, story in stories(Difference).items() if recipe in story.recipes]


def others(name: str) -> list[str]:
    """The stories that a story's page links to: those that it names, or that name it."""
    story = stories().get(name)
    if isinstance(story, Difference):
        return list(story.recipes)
    return helped_by(name)


def titles(of: str = "") -> object:
    """What a page shows of other stories: names and titles of those beside ``of``; "": of all."""
    known: dict[str, Story] = stories()
    names = others(of) if of else known
    found = {name: known[name] for name in names if name in known}
    return [(name, story.title, story.nav) for name, story in found.items()]


def link(name: str, docname: str) -> pending_xref:
    """A link to a story's page, with its title."""
    known: dict[str, Story] = stories()
    title = known[name].title if name in known else name
    return reference("std", "story", name, docname, nodes.inline("", title))


def code_link(kind: str, name: str, docname: str) -> pending_xref:
    """A link to a rule or to a change, with its name."""
    domain = "rule" if kind == "rule" else "std"
    return reference(domain, kind, name, docname, nodes.literal(name, name, classes=["xref"]))


def reference(
    domain: str, kind: str, target: str, docname: str, content: nodes.Element
) -> pending_xref:
    """A link that is a warning if it leads nowhere."""
    return pending_xref(
        "",
        content,
        refdomain=domain,
        reftype=kind,
        reftarget=target,
        refexplicit=True,
        refwarn=True,
        refdoc=docname,
    )


class StoryRole(XRefRole):
    """``:story:`NAME```"""

    def process_link(
        self,
        env: BuildEnvironment,
        refnode: nodes.Element,
        has_explicit_title: bool,
        title: str,
        target: str,
    ) -> tuple[str, str]:
        story = stories().get(target)
        if story is not None and not has_explicit_title:
            title = story.title
            note_facts(env, titles)
        return title, target


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the kind of object and its role."""
    app.add_object_type("story", "story", objname="story")
    role: Any = StoryRole(innernodeclass=nodes.inline, warn_dangling=True)
    app.add_role_to_domain("std", "story", role, override=True)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
