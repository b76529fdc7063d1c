# SPDX-License-Identifier: GPL-2.0-only
"""Numbers of the recorded kernels, counted and not typed.

``:recorded:`answers``` is the number of answers that the model is compared with; ``operations``,
``traces`` and ``kernels`` count the rest, and ``names`` lists the kernels.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole
from sphinx.util.typing import ExtensionMetadata

from reference_model import Release
from reference_model.trace import read


@cache
def count(files: tuple[Path, ...]) -> dict[str, str]:
    """What the files hold."""
    traces = [trace for path in files for trace in read(path)]
    kernels = {name for trace in traces for name in (*trace.answers, *trace.undefined)}
    answers = sum(len(given) for trace in traces for given in trace.answers.values())
    return {
        "answers": f"{answers:,}",
        "operations": f"{sum(len(trace.ops) for trace in traces):,}",
        "traces": f"{len(traces):,}",
        "kernels": f"{len(kernels)}",
        "names": ", ".join(sorted(kernels, key=Release)),
    }


class Recorded(SphinxRole):
    """``:recorded:`NUMBER```"""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        root = Path(self.config.recorded_root)
        files = tuple(sorted((root / "records" / "traces").glob("*.jsonl*")))
        for path in files:
            self.env.note_dependency(str(path))
        numbers = count(files)
        if self.text not in numbers:
            text = f"no such number: {self.text} (known: {', '.join(numbers)})"
            message = self.inliner.reporter.error(text, line=self.lineno)
            return [], [message]
        return [nodes.Text(numbers[self.text])], []


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the role."""
    app.add_config_value("recorded_root", str(app.confdir), "env", types=frozenset({str}))
    app.add_role("recorded", Recorded())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
