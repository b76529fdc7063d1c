# SPDX-License-Identifier: GPL-2.0-only
"""Links between stories, and pages that follow when a story that they name changes.

``:story:`NAME``` links to a story's page with its title.  A page that shows titles of other stories
calls note_view(); it is read again when one of them has another title, comes or goes, and is left
alone when anything else in them changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.roles import XRefRole
from sphinx.util.typing import ExtensionMetadata

from reference_model.catalogue import Difference, Story, stories

View = tuple[tuple[str, str], ...]
"""What a page shows of other stories: their names and titles."""


def helped_by(recipe: str) -> list[str]:
    """The breaking changes and additions that name the recipe."""
    return [name for name, story in stories(Difference).items() if recipe in story.recipes]


def others(name: str) -> list[str]:
    """The stories that a story's page links to: those that it names, or that name it."""
    story = stories().get(name)
    if isinstance(story, Difference):
        return list(story.recipes)
    return helped_by(name)


def view(names: Iterable[str]) -> View:
    """Names and titles as they are now."""
    known: dict[str, Story] = stories()
    return tuple((name, known[name].title if name in known else "") for name in names)


def note_view(env: BuildEnvironment, of: str) -> None:
    """Note what the page at hand shows: the stories beside the one called ``of``; "": all."""
    views(env)[env.docname] = (of, shown_now(of))


def shown_now(of: str) -> View:
    """What a page shows of other stories at this moment."""
    return view(others(of) if of else stories())


def views(env: BuildEnvironment) -> dict[str, tuple[str, View]]:
    """What each page showed when it was read."""
    if not hasattr(env, "story_views"):
        env.story_views = {}  # type: ignore[attr-defined]
    found: dict[str, tuple[str, View]] = env.story_views  # type: ignore[attr-defined]
    return found


def outdated(
    app: Sphinx, env: BuildEnvironment, added: Set[str], changed: Set[str], removed: Set[str]
) -> list[str]:
    """The pages that would show something else now.  (env-get-outdated)"""
    return [page for page, (of, shown) in views(env).items() if shown_now(of) != shown]


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget a page.  (env-purge-doc)"""
    views(env).pop(docname, None)


def merge(app: Sphinx, env: BuildEnvironment, docnames: Set[str], other: BuildEnvironment) -> None:
    """Take over what another process read.  (env-merge-info)"""
    views(env).update({page: seen for page, seen in views(other).items() if page in docnames})


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
            views(env).setdefault(env.docname, ("", shown_now("")))
        return title, target


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the kind of object, its role, and the care for pages."""
    app.add_object_type("story", "story", objname="story")
    role: Any = StoryRole(innernodeclass=nodes.inline, warn_dangling=True)
    app.add_role_to_domain("std", "story", role, override=True)
    app.connect("env-get-outdated", outdated)
    app.connect("env-purge-doc", purge)
    app.connect("env-merge-info", merge)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
