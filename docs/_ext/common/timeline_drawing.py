# SPDX-License-Identifier: GPL-2.0-only
"""The drawing of runs: the steps are columns, and the runs are below each other.

If the columns do not fit, the figure continues in another strip below, so it is never wider than it
is allowed to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from reference_model.timeline import Lane, TimelineStep

from .timeline_pair import Panel, rows
from .timeline_svg import LETTER, LINE, Canvas, bold, lines

NARROWEST, WIDEST = 82, 190  # pixels of a column
EDGE, ARROW = 6, 22  # pixels at the left and the right
BORN, DIED = 16, 5  # pixels from the left of a column to the dot and to the cross
CROSS = "M{:g} {:g}l8 8m0 -8l-8 8"
POINT = "M{:g} {:g}l9 5l-9 5z"
NOT_RUN, DIFFERS = "\N{EN DASH}", "\N{NOT EQUAL TO}"


class Drawing(Canvas):
    """The SVG elements of one figure, from the top downwards."""

    def __init__(
        self, columns: Sequence[TimelineStep], panels: Sequence[Panel], width: int
    ) -> None:
        self.columns, self.panels = columns, panels
        texts = chain(*((step.heading, ", ".join(step.subject)) for step in columns))
        shown = chain(*chain(*chain(*(panel.answers.values() for panel in panels))))
        longest = int(max(map(len, " ".join((*texts, *shown)).split()), default=0) * LETTER) + 20
        room, count = width - EDGE - ARROW, max(1, len(columns))
        fitting = max(1, room // min(max(longest, NARROWEST), room))
        strips = -(-count // fitting)
        self.per = -(-count // strips)
        """How many columns a strip has."""
        self.column = min(WIDEST, room // self.per)
        super().__init__(EDGE + self.per * self.column + ARROW)
        self.first = self.last = 0
        """The columns of the strip that is drawn: from ``first`` to the one before ``last``."""
        self.labels: list[str] = []

    def x(self, step: int) -> float:
        """Return where a step begins."""
        return EDGE + (step - self.first) * self.column

    def end(self, panel: Panel) -> float:
        """Return where the behaviour became undefined, or the right edge."""
        undefined = panel.undefined
        return self.x(self.last) if not self.here(undefined) else self.x(undefined or 0) + 20

    def here(self, step: int | None) -> bool:
        """Return whether a step is in the strip that is drawn."""
        return step is not None and self.first <= step < self.last

    # -- from the top downwards ---------------------------------------------------------------

    def draw(self) -> None:
        """Draw the strips and the key."""
        for first in range(0, len(self.columns), self.per):
            self.first, self.last = first, min(first + self.per, len(self.columns))
            self.strip()
        self.key()

    def strip(self) -> None:
        """Draw the captions of some columns, and below them what each run did there."""
        top, behind = self.bottom, len(self.parts)
        deepest = top
        for number in range(self.first, self.last):
            y = top
            for kind, text in self.head(self.columns[number]):
                y += LINE
                self.text(self.x(number) + 2, y, text, kind)
            deepest = max(deepest, y)
        self.bottom = deepest + 10
        for panel in self.panels:
            self.panel(panel)
        front, self.parts[behind:] = self.parts[behind:], []
        for number in range(self.first, self.last):
            x = self.x(number)
            self.add("line", "tl-guide", x1=x, x2=x, y1=top + 2, y2=self.bottom - 8)
        self.parts += front
        self.bottom += 4

    def head(self, step: TimelineStep) -> Iterator[tuple[str, str]]:
        """Return the caption of a column: the operation, how often, and what it was done to."""
        pixels = self.column - 8
        yield from (("tl-verb", line) for line in lines(step.heading, pixels * 0.94))
        words = [word.replace("cpu ", "cpu\N{NO-BREAK SPACE}") for word in step.subject]
        yield from (("", line) for line in lines(", ".join(words), pixels) if line)

    def panel(self, panel: Panel) -> None:
        """Draw what one run did: its title, the lanes and the answers."""
        self.add("line", "tl-rule", x1=0, x2=self.width, y1=self.bottom, y2=self.bottom)
        for line in lines(panel.title, self.width * 0.8):
            self.bottom += LINE
            self.text(2, self.bottom, line, "tl-panel")
        self.bottom += 6
        top = self.bottom
        for row in rows(self.visible(panel.attachments)):
            self.attachments(panel, row)
        for row in rows(self.visible(panel.storages)):
            self.storages(panel, row)
        if self.here(panel.undefined):
            self.break_off(panel, top)
        self.parts += self.labels  # in front of all lines
        self.labels = []
        self.answers(panel)

    def visible(self, lanes: list[Lane]) -> list[Lane]:
        """Return the lanes that exist in the strip."""
        return [
            lane
            for lane in lanes
            if lane.start < self.last and (lane.end is None or lane.end >= self.first)
        ]

    def label(self, row: list[Lane], kind: str) -> None:
        """Name a row of lanes, above the first, within the figure."""
        lane = row[0]
        x = max(2.0, self.span(None, lane)[0] - 7)
        found = lines(f"{kind}: {lane.label}", self.width - 4)
        for text in found:
            outside = x + len(text) * LETTER > self.width
            place = {"text_anchor": "end"} if outside else {}
            start = self.width - 2 if outside else x
            self.text(start, self.bottom + 11, text, "tl-label", **place)
            self.labels.append(self.parts.pop())
            self.bottom += LINE
        self.bottom += 1

    def attachments(self, panel: Panel, row: list[Lane]) -> None:
        """Draw a thin bar for each attachment."""
        self.label(row, "attachment")
        y = self.bottom + 5
        for lane in row:
            start, end = self.span(panel, lane)
            self.add("line", "tl-attachment", x1=start, x2=end, y1=y, y2=y)
            self.marks(panel, lane, y)
        self.bottom += 16

    def storages(self, panel: Panel, row: list[Lane]) -> None:
        """Draw a box for each storage, with what it contains."""
        self.label(row, "storage")
        texts = [(lane, list(self.values(panel, lane))) for lane in row]
        deep = max((len(found) for _, all_of in texts for _, found in all_of), default=1)
        height = deep * LINE + 5
        for lane, values in texts:
            start, end = self.span(panel, lane)
            box = {"x": start, "y": self.bottom, "width": max(end - start, 3), "height": height}
            self.add("rect", "tl-storage", rx=3, **box)
            for x, found in values:
                for at, line in enumerate(found):
                    self.text(x, self.bottom + (at + 1) * LINE - 2, line, "tl-value")
            self.marks(panel, lane, self.bottom + height / 2)
        self.bottom += height + 8

    def values(self, panel: Panel, lane: Lane) -> Iterator[tuple[float, list[str]]]:
        """Return where which value begins, in lines; a strip begins with the value it inherits."""
        shown = {at: text for at, text in lane.values if self.here(at)}
        inherited = lane.value_at(self.first - 1) if lane.start < self.first else ""
        if inherited and lane.end != self.first:
            shown = {self.first: inherited} | shown
        found = sorted(shown.items())
        limits = [*(self.x(at) for at, _ in found), self.span(panel, lane)[1]]
        for (at, text), until in zip(found, limits[1:], strict=True):
            x = self.x(at) + (BORN + 10 if at == lane.start else 6)
            yield x, lines(text, until - x - 4)

    def span(self, panel: Panel | None, lane: Lane) -> tuple[float, float]:
        """Return from where to where a lane goes in the strip."""
        start = self.x(lane.start) + BORN if self.here(lane.start) else 0.0
        if panel is not None and not self.here(lane.end):
            return start, self.end(panel)
        return start, self.x(lane.end or 0) + DIED

    def marks(self, panel: Panel, lane: Lane, y: float) -> None:
        """Draw a dot where a lane begins, a cross where it ends, an arrow where it continues."""
        start, end = self.span(panel, lane)
        if self.here(lane.start):
            self.add("circle", "tl-mark", cx=start, cy=y, r=4)
        if self.here(lane.end):
            self.add("path", "tl-cross", d=CROSS.format(end - 4, y - 4))
        elif not self.here(panel.undefined):
            self.add("path", "tl-mark", d=POINT.format(end, y - 5))

    def break_off(self, panel: Panel, top: float) -> None:
        """Draw a jagged line from the title of a run down to the answers."""
        count = int((self.bottom + 8 - top) // 7) + 1
        x = self.end(panel)
        points = (f"{x + 4 * (-1) ** n:g} {top - 4 + 7 * n:g}" for n in range(count))
        self.add("path", "tl-break", d="M" + "L".join(points))

    def answers(self, panel: Panel) -> None:
        """Write below the lanes what each step answered, and under which label."""
        start = deepest = self.bottom + 2
        for number in range(self.first, self.last):
            y, x = start, self.x(number)
            if number not in panel.answers:
                y += LINE
                self.text(x + 6, y, NOT_RUN, "tl-question")
            for answer in panel.answers.get(number, ()):
                for line in lines(answer.label and f"{answer.label}:", self.column - 8):
                    if line:
                        y += LINE
                        self.text(x + 2, y, line, "tl-question")
                differs = answer in panel.differing[number]
                text = f"{DIFFERS} {answer.text}" if differs else answer.text
                for line in lines(text, (self.column - 14) * 0.94):
                    y += LINE + 3
                    box = {"x": x + 2, "y": y - 12, "width": bold(line) + 8, "height": LINE + 1}
                    self.add("rect", "tl-differs" if differs else "tl-tag", rx=2, **box)
                    self.text(x + 6, y, line, "tl-answer" if differs else "")
                y += 3
            deepest = max(deepest, y)
        self.bottom = deepest + 9

    def key(self) -> None:
        """Explain the shapes, in as many lines as they need."""
        lanes = [lane for panel in self.panels for lane in panel.attachments + panel.storages]
        ended = [lane for lane in lanes if lane.end is not None]
        columns = {*range(len(self.columns))}
        entries = [
            ("\N{BLACK CIRCLE}", "created", lanes),
            ("\N{MULTIPLICATION SIGN}", "removed", ended),
            ("\N{BLACK RIGHT-POINTING TRIANGLE}", "continues", lanes),
            (DIFFERS, "differs", [p for p in self.panels if any(p.differing.values())]),
            (NOT_RUN, "no such step", [p for p in self.panels if columns - p.answers.keys()]),
            ("zigzag:", "undefined behaviour",
             [p for p in self.panels if p.undefined is not None]),
        ]  # fmt: skip
        self.add("line", "tl-rule", x1=0, x2=self.width, y1=self.bottom - 4, y2=self.bottom - 4)
        x, y = 2.0, self.bottom + 11
        for symbol, meaning, found in entries:
            if not found:
                continue
            text = f"{symbol}\N{NO-BREAK SPACE}{meaning}"
            if x > 2 and x + len(text) * LETTER > self.width:
                x, y = 2.0, y + LINE
            self.text(x, y, text, "tl-key")
            x += len(text) * LETTER + 14
        self.bottom = y + 6


def drawing(
    columns: Sequence[TimelineStep],
    panels: Sequence[Panel],
    width: int,
    *,
    kind: str,
    identity: str,
) -> str:
    """Return the figure as SVG of at most ``width`` pixels; ``kind`` is for style sheets."""
    made = Drawing(columns, panels, width)
    made.draw()
    title = "; ".join(panel.title for panel in panels)
    words = " ".join(f"{panel.title}. {' '.join(panel.run.sentences())}" for panel in panels)
    return made.svg(title, words, kind=kind, identity=identity)
