# SPDX-License-Identifier: GPL-2.0-only
"""Says more about mistakes in pages than Sphinx does.

A reference that leads nowhere is reported with the names that are spelled alike.  An object that
``sphinx.ext.autodoc`` cannot import is reported in one sentence, with the page and the line.
"""

from __future__ import annotations

import logging
import re
from difflib import get_close_matches
from pathlib import Path

from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains import Domain
from sphinx.util import logging as sphinx_logging
from sphinx.util.typing import ExtensionMetadata

logger = sphinx_logging.getLogger(__name__)


def suggest(names: set[str], target: str) -> str:
    """The end of a sentence on a name that is not known.

    >>> suggest({"attach.reuse", "share.lsm"}, "attach.reus")
    '; do you mean attach.reuse?'
    >>> suggest({"attach.reuse"}, "tutorial")
    ''
    """
    alike = get_close_matches(target, sorted(names), 3)
    return f"; do you mean {' or '.join(alike)}?" if alike else ""


def warn(app: Sphinx, domain: Domain | None, node: pending_xref) -> bool:
    """Report a reference that leads nowhere.  (warn-missing-reference)"""
    kind, target = node["reftype"], node["reftarget"]
    if domain is None or kind == "ref":  # of a label that is not there Sphinx says enough
        return False
    objects = list(domain.get_objects())
    types = domain.objtypes_for_role(kind) or []
    names = {name for name, _, of, *_ in objects if of in types or kind == of}
    if kind == "doc":
        names = set(app.env.found_docs)
    text = f"there is no {kind} {target!r}{suggest(names, target)}"
    logger.warning(text, location=node, type="ref", subtype=kind)
    return True


class InOneSentence(logging.Filter):
    """Shortens what autodoc says of an import that failed, and adds the place."""

    def __init__(self, app: Sphinx) -> None:
        super().__init__()
        self.app = app

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno == logging.WARNING and getattr(record, "location", None) is None:
            text = record.getMessage().replace("; the following exception was raised", "")
            lines = [line for line in text.splitlines() if line]
            record.msg, record.args = " ".join(dict.fromkeys((lines[0], lines[-1]))), ()
            record.location = self.place(lines[0])
        return True

    def place(self, text: str) -> tuple[str, int | None]:
        """The page that is read, and the line of the directive that names what ``text`` quotes."""
        page = self.app.env.docname
        lines = Path(self.app.env.doc2path(page)).read_text(encoding="utf-8").splitlines()
        quoted = re.findall(r"'([\w.]+)'", text)[:1]
        named = re.compile(rf"\.\. auto\w+:: (?:\S+\.)?{re.escape(''.join(quoted))}\b")
        return page, next((n for n, line in enumerate(lines, 1) if named.search(line)), None)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Listen for mistakes."""
    app.connect("warn-missing-reference", warn)
    logging.getLogger("sphinx.sphinx.ext.autodoc").addFilter(InOneSentence(app))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
