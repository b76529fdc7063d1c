# SPDX-License-Identifier: GPL-2.0-only
"""The drawing of a timeline: SVG that tells by shapes, in the page's own colours."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from textwrap import wrap
from xml.sax.saxutils import escape

from reference_model.timeline import Lane, Timeline, TimelineStep

LINE = 15  # pixels from one line of text to the next
LETTER = 6.7  # pixels of a letter at 12 pixels, on average and a little more
WIDTH = 684  # of a figure, where the steps are few enough
NARROWEST, WIDEST = 82, 190  # of a column
EDGE, ARROW = 6, 22  # room at the left and the right


def lines(text: str, pixels: float) -> list[str]:
    """A text broken into lines that fit.

    >>> lines("after attaching again", 90)
    ['after', 'attaching', 'again']
    """
    return wrap(text, max(5, int(pixels / LETTER)), break_on_hyphens=False) or [""]


def bold(text: str) -> float:
    """How many pixels a bold text takes at most, in the fonts that readers have."""
    wide, narrow = 9.6, 5.0
    return sum(
        wide if letter.isupper() else narrow if letter in "[](),.:' il1" else 8.2 for letter in text
    )


class Drawing:
    """The SVG elements of one figure, from the top downwards."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        steps = max(1, len(timeline.steps))
        texts = [(s.verb, ", ".join(s.subject), *chain(*s.answers)) for s in timeline.steps]
        words = " ".join(chain(*texts)).split()
        longest = int(max(map(len, words), default=0) * LETTER) + 20
        self.column = min(WIDEST, max(NARROWEST, longest, (WIDTH - EDGE - ARROW) // steps))
        self.width = EDGE + steps * self.column + ARROW
        self.parts: list[str] = []
        self.labels: list[str] = []
        self.bottom = 0.0

    def x(self, step: int) -> float:
        """Where a step begins."""
        return EDGE + step * self.column

    def end(self) -> float:
        """Where the kernel broke, or the right edge."""
        undefined = self.timeline.undefined
        return self.width - ARROW if undefined is None else self.x(undefined) + 20

    def add(self, name: str, kind: str, **attributes: object) -> None:
        """An element without text."""
        self.parts.append(f"<{name}{_attributes(kind, attributes)}/>")

    def text(self, x: float, y: float, text: str, kind: str = "", **attributes: object) -> None:
        """A line of text; y is its base line."""
        place = {"x": x, "y": y, **attributes}
        self.parts.append(f"<text{_attributes(kind, place)}>{escape(text)}</text>")

    # -- from the top downwards ---------------------------------------------------------------

    def draw(self) -> None:
        """The captions, the lanes and the answers."""
        heads = [list(self.head(step)) for step in self.timeline.steps]
        for number, head in enumerate(heads):
            for at, text in enumerate(head):
                kind = "tl-verb" if at == 0 else ""
                self.text(self.x(number) + 2, (at + 1) * LINE, text, kind)
        self.bottom = max(map(len, heads), default=0) * LINE + 8.0
        top = self.bottom
        for row in rows(self.timeline.attachments):
            self.attachments(row)
        for row in rows(self.timeline.storages):
            self.storages(row)
        lanes, self.parts = self.parts, []
        for number in range(len(heads)):
            x = self.x(number)
            self.add("line", "tl-guide", x1=x, x2=x, y1=2, y2=self.bottom)
        self.parts += lanes  # in front of the guides
        if self.timeline.undefined is not None:
            self.break_off(top)
        self.parts += self.labels  # in front of all lines
        self.answers()

    def head(self, step: TimelineStep) -> Iterator[str]:
        """The caption of a column: the operation, what it was done to, how often."""
        pixels = self.column - 8
        times = f" \N{MULTIPLICATION SIGN}{step.times}" if step.times > 1 else ""
        yield from lines(step.verb + times, pixels * 0.94)  # bold
        words = [word.replace("cpu ", "cpu\N{NO-BREAK SPACE}") for word in step.subject]
        yield from (line for line in lines(", ".join(words), pixels) if line)

    def label(self, row: list[Lane]) -> None:
        """The name of a row of lanes, above the first, within the figure."""
        lane = row[0]
        x = self.x(lane.start) + 4
        text = lane.label
        if x + len(text) * LETTER > self.width:
            self.text(self.width - 2, self.bottom + 11, text, "tl-label", text_anchor="end")
        else:
            self.text(x, self.bottom + 11, text, "tl-label")
        self.labels.append(self.parts.pop())
        self.bottom += LINE + 1

    def attachments(self, row: list[Lane]) -> None:
        """A thin bar for each attachment."""
        self.label(row)
        y = self.bottom + 5
        for lane in row:
            start, end = self.span(lane)
            self.add("line", "tl-attachment", x1=start, x2=end, y1=y, y2=y)
            self.marks(lane, start, end, y)
        self.bottom += 18

    def storages(self, row: list[Lane]) -> None:
        """A box for each storage, with what it holds from where on."""
        self.label(row)
        texts = [(lane, list(self.values(lane))) for lane in row]
        deep = max((len(found) for _, all_of in texts for _, found in all_of), default=1)
        height = deep * LINE + 5
        for lane, values in texts:
            start, end = self.span(lane)
            box = {"x": start, "y": self.bottom, "width": max(end - start, 3), "height": height}
            self.add("rect", "tl-storage", rx=3, **box)
            for x, found in values:
                for at, line in enumerate(found):
                    self.text(x, self.bottom + (at + 1) * LINE - 2, line, "tl-value")
            self.marks(lane, start, end, self.bottom + height / 2)
        self.bottom += height + 9

    def values(self, lane: Lane) -> Iterator[tuple[float, list[str]]]:
        """Where which value stands, in lines."""
        for number, (at, text) in enumerate(lane.values):
            later = [*(step for step, _ in lane.values[number + 1 :]), lane.end]
            until = self.end() if later[0] is None else self.x(later[0])
            x = self.x(at) + (21 if at == lane.start else 6)
            yield x, lines(text, until - x - 6)

    def span(self, lane: Lane) -> tuple[float, float]:
        """From where to where a lane goes."""
        start = self.x(lane.start) + 11
        return start, self.end() if lane.end is None else self.x(lane.end)

    def marks(self, lane: Lane, start: float, end: float, y: float) -> None:
        """A dot where a lane begins; a cross where it ends, or an arrow where it continues."""
        self.add("circle", "tl-mark", cx=start, cy=y, r=4)
        if lane.end is not None:
            path = f"M{end - 4:g} {y - 4:g}l8 8m0 -8l-8 8"
            self.add("path", "tl-cross", d=path)
        elif self.timeline.undefined is None:
            self.add("path", "tl-mark", d=f"M{end:g} {y - 5:g}l9 5l-9 5z")

    def break_off(self, top: float) -> None:
        """A jagged line from the captions down to the answers."""
        count = int((self.bottom + 8 - top) // 7) + 1
        points = (f"{self.end() + 4 * (-1) ** n:g} {top - 4 + 7 * n:g}" for n in range(count))
        self.add("path", "tl-break", d="M" + "L".join(points))

    def answers(self) -> None:
        """Below the lanes: what each step answered, and under which label."""
        start = deepest = self.bottom + 4
        for number, step in enumerate(self.timeline.steps):
            y, x = start, self.x(number)
            for label, text in step.answers:
                for line in lines(label and f"{label}:", self.column - 8):
                    if line:
                        y += LINE
                        self.text(x + 2, y, line, "tl-question")
                for line in lines(text, (self.column - 14) * 0.94):
                    y += LINE + 3
                    box = {"x": x + 2, "y": y - 12, "width": bold(line) + 8, "height": LINE + 1}
                    self.add("rect", "tl-tag", rx=2, **box)
                    self.text(x + 6, y, line, "tl-answer")
                y += 3
            deepest = max(deepest, y)
        self.bottom = deepest + 8


def rows(lanes: list[Lane]) -> list[list[Lane]]:
    """Lanes of one label after each other in one row, if they do not overlap."""
    found: list[list[Lane]] = []
    for lane in lanes:
        for row in found:
            same = row[0].label == lane.label
            if same and not any(other.overlaps(lane) for other in row):
                row.append(lane)
                break
        else:
            found.append([lane])
    return found


def svg(timeline: Timeline, title: str, identity: str) -> str:
    """The figure as SVG, with a title and a description for who does not see it."""
    drawing = Drawing(timeline)
    drawing.draw()
    width, height = f"{drawing.width:g}", f"{drawing.bottom:g}"
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" role="img" fill="currentColor" font-size="12" '
            f'aria-labelledby="{identity}-title {identity}-desc">',
            f'<title id="{identity}-title">{escape(title)}</title>',
            f'<desc id="{identity}-desc">{escape(" ".join(timeline.sentences()))}</desc>',
            *drawing.parts,
            "</svg>",
        )
    )


def _attributes(kind: str, attributes: dict[str, object]) -> str:
    """Attributes as they stand in an element: style sheets are for colours, these for shapes."""
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
    "tl-answer": {"font-weight": "bold"},
    "tl-question": {"font-style": "italic"},
    "tl-guide": {**_STROKE, "stroke-dasharray": "1 4", "stroke-opacity": 0.6},
    "tl-attachment": {**_STROKE, "stroke-width": 3},
    "tl-storage": {**_STROKE, "stroke-width": 1.5},
    "tl-cross": {**_STROKE, "stroke-width": 2.5},
    "tl-break": {**_STROKE, "stroke-width": 2},
    "tl-tag": _STROKE,
}
"""What must be seen without a style sheet."""
