# SPDX-License-Identifier: GPL-2.0-only
"""Keep every written page as new as what it is made from, whatever ran or was killed before.

Sphinx compares a page with its source only while it reads the source.  If another builder read
the source, or the build was killed before it wrote the page, Sphinx never writes the page again.
Sphinx also does not know which Python code a page is made with.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import Any

from common.sources import showing_other_facts
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util.typing import ExtensionMetadata

MADE_WITH = (
    *("conf.py", "requirements.txt", "docs/_ext", "docs/_static", "docs/_templates"),
    *("reference_model", "records", "conformance", "playground", "upstream"),
)
"""The code and data that any page may be made with: if one changes, all pages are read again."""

LISTED = "docs/examples"
"""A page depends on its C files by their contents, and on this folder for which of them exist."""

OF_ONE_PAGE = "reference_model/catalogue/*/[!_]*.py"
"""Stories: the pages that are made from one of them depend on its file alone."""

STAMP = ".written"
"""In the output: which reading of the sources all pages were written from."""


def made_with(root: Path) -> Iterator[Path]:
    """The files below MADE_WITH, without those of OF_ONE_PAGE and without what Python caches."""
    for name in MADE_WITH:
        path = root / name
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            known = file.relative_to(root)
            if file.is_file() and "__pycache__" not in known.parts and not known.match(OF_ONE_PAGE):
                yield file


def note_code(app: Sphinx, config: Config) -> None:
    """Set the digest of the code: a new one makes Sphinx read all pages.  (config-inited)"""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256(sys.version.encode())  # which decides how signatures are shown
    for path in made_with(root):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    listed = (path.relative_to(root).as_posix() for path in (root / LISTED).rglob("*.*"))
    digest.update("\0".join(sorted(listed)).encode())
    config["freshness_digest"] = digest.hexdigest()


class Freshness:
    """What one build finds before it reads the pages, and what it must write therefore."""

    def __init__(self, app: Sphinx) -> None:
        self.last_reading = 0
        self.headings: dict[str, str] = {}
        app.connect("env-get-outdated", show_other_facts)
        app.connect("env-before-read-docs", self.before_reading)
        app.connect("env-updated", self.after_reading)
        app.connect("build-finished", self.after_writing)

    def before_reading(self, app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
        """Keep what the environment was at the last build, and number this reading."""
        self.last_reading = getattr(env, "freshness_reading", 0)
        self.headings = headings(env)
        if docnames:
            env.freshness_reading = time.time_ns()  # type: ignore[attr-defined]

    def after_reading(self, app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
        """All pages must be written, unless the output shows all that was read before."""
        for name, entry in list(shown_modules(env).items()):
            if entry and not entry[2]:  # no page names it any more
                del shown_modules(env)[name]
        if app.builder.format != "html":
            return ()
        stamp = app.outdir / STAMP
        written = stamp.read_text() if stamp.exists() else ""
        stamp.unlink(missing_ok=True)
        kept = written == str(self.last_reading) and headings(env) == self.headings
        return () if kept else env.found_docs

    def after_writing(self, app: Sphinx, exception: Exception | None) -> None:
        """Remove the pages whose source is gone, and note that the output is complete."""
        if app.builder.format != "html" or exception is not None:
            return
        sources = app.outdir / "_sources"
        for source in sources.rglob("*.txt"):
            docname = source.relative_to(sources).as_posix().split(".")[0]
            if docname not in app.env.found_docs:
                source.unlink()
                for ending in ("html", "txt"):
                    (app.outdir / f"{docname}.{ending}").unlink(missing_ok=True)
        modules = app.outdir / "_modules"
        shown = {name for name, entry in shown_modules(app.env).items() if entry}
        for page in modules.rglob("*.html"):
            name = page.relative_to(modules).with_suffix("").as_posix().replace("/", ".")
            if name not in shown and not (shown and name == "index"):
                page.unlink()
        (app.outdir / STAMP).write_text(str(getattr(app.env, "freshness_reading", 0)))


def shown_modules(env: BuildEnvironment) -> dict[str, Any]:
    """The modules that sphinx.ext.viewcode met: code, tags, names that pages use, and place."""
    return getattr(env, "_viewcode_modules", {})


def show_other_facts(app: Sphinx, env: BuildEnvironment, *known: Set[str]) -> list[str]:
    """Read the pages again that would show other facts now.  (env-get-outdated)"""
    return list(showing_other_facts(env))


def headings(env: BuildEnvironment) -> dict[str, str]:
    """The headings of each page, which menus and references of other pages show."""
    return {name: toc.pformat() for name, toc in env.tocs.items()}


def setup(app: Sphinx) -> ExtensionMetadata:
    """Watch each build."""
    app.add_config_value("freshness_digest", "", "env", str)
    app.connect("config-inited", note_code)
    Freshness(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
