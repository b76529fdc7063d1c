# SPDX-License-Identifier: GPL-2.0-only
"""``.. operation:: NAME ...`` describes operations of the trace format; their fields are derived.

The content says what they do.  The fields come from ``reference_model.traces.OPERATIONS``.
"""

from __future__ import annotations

from common.parts import joined
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from reference_model.traces import OPERATIONS


def fields(name: str) -> str:
    """The fields of an operation in words, the optional ones last.

    >>> fields("fire")
    'cgroup, cpu; hooks or event'
    >>> fields("prog_array_update")
    'map, prog; optional: slot'
    >>> fields("close")
    'map or prog or link'
    """
    operation = OPERATIONS[name]
    grouped = [[one for one in group if one in operation.fields] for group in operation.either]
    apart = {*operation.optional, *(one for group in grouped for one in group)}
    always = ", ".join(one for one in operation.fields if one not in apart)
    either = " or ".join(
        " with ".join(one for one in group if one not in operation.optional) for group in grouped
    )
    optional = ", ".join(one for one in operation.fields if one in operation.optional)
    return "; ".join(
        part for part in (always, either, optional and f"optional: {optional}") if part
    )


class Operations(SphinxDirective):
    """``.. operation:: NAME ...``"""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        names = self.arguments[0].split()
        unknown = [name for name in names if name not in OPERATIONS]
        if unknown:
            known = ", ".join(OPERATIONS)
            raise self.error(f"no operation {', '.join(unknown)}: known are {known}")
        by_fields: dict[str, list[nodes.Node]] = {}
        for name in names:
            by_fields.setdefault(fields(name), []).append(nodes.literal(name, name))
        terms = [
            nodes.inline("", "", *joined(literals), nodes.Text(f" ({text})"))
            for text, literals in by_fields.items()
        ]
        body = nodes.definition("", *self.parse_content_to_nodes())
        item = nodes.definition_list_item("", nodes.term("", "", *joined(terms, "; ")), body)
        return [nodes.definition_list("", item)]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive."""
    app.add_directive("operation", Operations)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
