# SPDX-License-Identifier: GPL-2.0-only
"""Examples and programs that run in the page: marks for ``_static/run_*.js``, and the bundle.

If Pyodide is installed (``make playground``), pages with examples load the scripts that add
buttons, and ``_static/python/`` gets what runs there.  Without it nothing is added.

``.. playground::`` is the place of the playground, with the programs to choose from.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from kernel_tabs import generation
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata
from stories.code import parts
from strict_doctest import DOCSTRING, is_block

from playground import bundle
from reference_model.catalogue import FOLDERS, RELEASES, Difference, Recipe, Story, stories

SCRIPTS = "python"
"""The folder of ``_static`` for what ``bundle`` makes."""


PROGRAMS = {
    "Count packets (tutorial)": """\
web = kernel.mkdir("web")
counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
key = (web, BPF_CGROUP_INET_EGRESS)

kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS)
for _ in range(3):
    kernel.fire(web, BPF_CGROUP_INET_EGRESS)
kernel.map_lookup_elem(counts, key)

kernel.prog_detach(web, count, BPF_CGROUP_INET_EGRESS)
kernel.map_lookup_elem(counts, key)
""",
    "Empty kernel": """\
# The kernel has nothing but the root cgroup. Values of expressions and errors are shown.
""",
}
"""The programs of the playground beside those of the stories: of the tutorial, and none."""


class program(nodes.General, nodes.Element):
    """The place of the controls that run a page's program; ``data`` says which program."""


def place(name: str, story: Story) -> program:
    """Return the place where a reader runs the program of a story."""
    runs = {"New program" if isinstance(story, Recipe) else "Program": story.run.__name__}
    on = ["5.8", "latest"]
    if isinstance(story, Difference):
        on = [story.before, story.after]
    elif isinstance(story, Recipe):
        on = [story.old_release, story.fails_on]
        if story.old is not None:
            runs["Old program"] = story.old.__name__
    data = {"name": name, "runs": runs, "on": on, "arguments": story.kernel}
    return program("", data=data, classes=["run-program"])


class Playground(SphinxDirective):
    """``.. playground::``"""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the place, with what a reader sees where no script runs."""
        titles = {
            folder: {name: story.nav for name, story in stories(kind).items()}
            for folder, kind in FOLDERS.items()
        }
        data = {"programs": PROGRAMS, "stories": titles}
        return [program("", *self.parse_content_to_nodes(), data=data, classes=["playground"])]


def visit_html(translator: Any, node: program) -> None:
    """Begin the place."""
    data = translator.attval(json.dumps(node["data"]))
    translator.body.append(f'<div class="{" ".join(node["classes"])}" data-program="{data}">\n')


def depart_html(translator: Any, node: program) -> None:
    """End the place."""
    translator.body.append("</div>\n")


def skip(translator: Any, node: program) -> None:
    """Show nothing where nothing can run."""
    raise nodes.SkipNode


def mark(app: Sphinx, doctree: nodes.document) -> None:
    """Name the docstring of an example: it has the names of the module.  (doctree-read)"""
    for block in filter(is_block, doctree.findall(nodes.Element)):
        owner = (block.source or "").partition(DOCSTRING)[2]
        if owner:
            block["classes"].append(f"docstring-{owner}")


def releases() -> dict[str, list[str]]:
    """The releases to choose from, by the key of their tabs."""
    found: dict[str, list[str]] = {}
    for release in RELEASES:
        found.setdefault(generation(release), []).append(release)
    return found


def add_scripts(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Add the scripts to a page on which something can run.  (html-page-context)"""
    if doctree is None or not app.config.run_here:
        return
    examples = any(is_block(node) for node in doctree.findall(nodes.Element))
    has_programs = any(True for _ in doctree.findall(program))
    if not (examples or has_programs):
        return
    attributes: dict[str, Any] = {"data-releases": json.dumps(releases())}
    app.add_css_file("run.css")
    app.add_js_file("run_python.js", loading_method="defer", **attributes)
    if examples:
        app.add_js_file("run_examples.js", loading_method="defer")
    if has_programs:
        app.add_js_file("run_programs.js", loading_method="defer")


def write_bundle(app: Sphinx, error: Exception | None) -> None:
    """Write what runs in the pages, or remove what an earlier build wrote.  (build-finished)"""
    if error is not None or app.builder.name != "html":
        return
    folder = Path(app.outdir, "_static", SCRIPTS)
    if not app.config.run_here:
        shutil.rmtree(folder, ignore_errors=True)
        return
    bundle.write(folder, {"programs.js": bundle.script("storyPrograms", programs())})


def programs() -> dict[str, dict[str, Any]]:
    """The programs of the stories, as their pages show them."""
    return {
        name: {**place(name, story)["data"], "text": text_of(story)}
        for name, story in stories().items()
    }


def text_of(story: Story) -> str:
    """Return all that a story runs as one text."""
    return "\n\n\n".join(text for _, _, _, text in parts(story.run)) + "\n"


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the node, the directive and the scripts."""
    passing: dict[str, Any] = dict.fromkeys(("latex", "text", "man", "texinfo"), (skip, None))
    app.add_node(program, html=(visit_html, depart_html), **passing)
    app.add_directive("playground", Playground)
    app.add_config_value("run_here", bundle.installed(), "html", types=frozenset({bool}))
    app.connect("doctree-read", mark)
    app.connect("html-page-context", add_scripts)
    app.connect("build-finished", write_bundle)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
