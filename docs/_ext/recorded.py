# SPDX-License-Identifier: GPL-2.0-only
"""Numbers of the recorded kernels, counted and not typed.

``:recorded:`answers``` is the number of answers that the model is compared with; ``operations``,
``traces`` and ``kernels`` count the rest, and ``names`` lists the kernels.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole
from sphinx.util.typing import ExtensionMetadata

from records.archive import committed


class Recorded(SphinxRole):
    """``:recorded:`NUMBER```"""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        numbers = committed().numbers
        if self.text not in numbers:
            text = f"no such number: {self.text} (known: {', '.join(numbers)})"
            message = self.inliner.reporter.error(text, line=self.lineno)
            return [], [message]
        return [nodes.Text(numbers[self.text])], []


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the role."""
    app.add_role("recorded", Recorded())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
