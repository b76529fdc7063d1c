# SPDX-License-Identifier: GPL-2.0-only
"""SVG elements that differ by shape, in the colours of the page."""

from __future__ import annotations

from textwrap import wrap
from xml.sax.saxutils import escape

LINE = 15  # pixels from one line of text to the next
LETTER = 6.7  # pixels of a letter at 12 pixels, on average and a little more


def lines(text: str, pixels: float) -> list[str]:
    """Break a text into lines that fit.

    >>> lines("after attaching again", 90)
    ['after', 'attaching', 'again']
    """
    return wrap(text, max(5, int(pixels / LETTER)), break_on_hyphens=False) or [""]


def bold(text: str) -> float:
    """Return how many pixels a bold text takes at most, in the fonts that readers have."""
    wide, narrow = 9.6, 5.0
    return sum(
        wide if letter.isupper() else narrow if letter in "[](),.:' il1" else 8.2 for letter in text
    )


class Canvas:
    """The elements of a figure of ``width`` pixels; ``bottom`` is how far down they reach."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.bottom = 0.0
        self.parts: list[str] = []

    def add(self, name: str, kind: str, **attributes: object) -> None:
        """Add an element without text."""
        self.parts.append(f"<{name}{_attributes(kind, attributes)}/>")

    def text(self, x: float, y: float, text: str, kind: str = "", **attributes: object) -> None:
        """Add a line of text; y is its base line."""
        place = {"x": x, "y": y, **attributes}
        self.parts.append(f"<text{_attributes(kind, place)}>{escape(text)}</text>")

    def svg(self, title: str, words: str, *, kind: str, identity: str) -> str:
        """Return the figure, with a title and a description for those who do not see it."""
        size = f'width="{self.width:g}" height="{self.bottom:g}"'
        return "\n".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" class="{kind}" {size} '
                f'viewBox="0 0 {self.width:g} {self.bottom:g}" role="img" fill="currentColor" '
                f'font-size="12" aria-labelledby="{identity}-title {identity}-desc">',
                f'<title id="{identity}-title">{escape(title)}</title>',
                f'<desc id="{identity}-desc">{escape(words)}</desc>',
                *self.parts,
                "</svg>",
            )
        )


def _attributes(kind: str, attributes: dict[str, object]) -> str:
    """Return attributes as they stand in an element: style sheets have colours, these shapes."""
    found = dict(attributes)
    if kind:
        found["class"] = kind
    found |= SHAPES.get(kind, {})
    shown = ((name.replace("_", "-"), value) for name, value in found.items())
    return "".join(
        f' {name}="{value:g}"' if isinstance(value, float) else f' {name}="{value}"'
        for name, value in shown
    )


_STROKE: dict[str, object] = {"fill": "none", "stroke": "currentColor"}
SHAPES: dict[str, dict[str, object]] = {
    "tl-verb": {"font-weight": "bold"},
    "tl-panel": {"font-weight": "bold", "font-size": 13},
    "tl-answer": {"font-weight": "bold"},
    "tl-question": {"font-style": "italic"},
    "tl-guide": {**_STROKE, "stroke-dasharray": "1 4", "stroke-opacity": 0.6},
    "tl-rule": {**_STROKE, "stroke-opacity": 0.5},
    "tl-attachment": {**_STROKE, "stroke-width": 3},
    "tl-storage": {**_STROKE, "stroke-width": 1.5},
    "tl-cross": {**_STROKE, "stroke-width": 2.5},
    "tl-break": {**_STROKE, "stroke-width": 2},
    "tl-tag": {**_STROKE, "stroke-opacity": 0.6},
    "tl-differs": {**_STROKE, "stroke-width": 2},
}
"""What must be seen without a style sheet."""
