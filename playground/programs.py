# SPDX-License-Identifier: GPL-2.0-only
"""Run a reader's program on some releases: what it observes on each, and the figure of the runs."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Any

from common.timeline_drawing import drawing
from common.timeline_pair import aligned

from reference_model import Kernel
from reference_model.catalogue import RELEASES, observed
from reference_model.catalogue.story import Observe, Observer
from reference_model.errors import UNDEFINED, BpfError, Denied, UndefinedBehaviour
from reference_model.maps import BOGUS_KEY
from reference_model.recorder import Recorder
from reference_model.timeline import Timeline

from .mine import named, title

FILE = "<program>"
SETTINGS = re.compile(r"# (Kernel\(.*\))$", re.MULTILINE)
SIZES = {"wide": 604, "narrow": 304}
"""Pixels of a figure on a large screen and on a small one, as in the figures of the pages."""
PLAIN = (bool, int, str, list, tuple, dict)
"""What a program can observe."""


class Ended(Exception):
    """The program ended early; the text says where and why."""


@dataclass
class Run:
    """What happened on one release."""

    release: str
    seen: dict[str, Any] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    """Why calls failed, by label, in the words of the model."""
    error: str = ""
    """Why the program ended early."""
    printed: str = ""
    timeline: Timeline | None = None

    def outcome(self) -> dict[str, str]:
        """What was observed, as text."""
        return {label: str(value) for label, value in self.seen.items()}


def run(
    text: str,
    releases: list[str],
    name: str = "",
    everywhere: bool = False,
    identity: str = "program",
) -> dict[str, object]:
    """Run a program on each of the releases, and everywhere if a table of all is asked for.

    The program is a function ``name(kernel, observe)`` as those of the stories, or, without a
    name, statements that use ``kernel``.  A first line such as ``# Kernel(memlock=4096)`` gives
    arguments of Kernel.

    >>> made = run("web = kernel.mkdir('web')\\nkernel.rmdir(web)\\nkernel.rmdir(web)", ["5.8"])
    >>> made["rows"], made["reasons"]
    ([{'label': 'line 3', 'code': 'kernel.rmdir(web)', 'values': ['ENOENT']}], \
{'line 3': 'ENOENT: the cgroup has been removed'})
    """
    try:
        code = ast.parse(text, FILE)
    except SyntaxError as error:
        return {"error": f"Line {error.lineno}: {error.msg}"}
    try:
        arguments = settings(text)
        Kernel(**arguments)
    except (SyntaxError, TypeError, ValueError) as error:
        return {"error": f"Line 1: {error}"}
    runs = [run_on(release, text, code, name, arguments) for release in releases]
    labels = dict.fromkeys(label for one in runs for label in one.seen)
    shown = [one.outcome() for one in runs]
    titled = {title(one.release): one.timeline for one in runs if one.timeline is not None}
    found: dict[str, object] = {
        "rows": [
            {
                "label": label,
                "code": source(text, label),
                "values": [outcome.get(label, "not reached") for outcome in shown],
            }
            for label in labels
        ],
        "releases": [
            {"title": title(r.release), "error": r.error, "printed": r.printed} for r in runs
        ],
        "reasons": {label: why for one in runs for label, why in one.reasons.items()},
        "words": [[name, run.sentences()] for name, run in titled.items()],
    }
    if any(timeline.steps for timeline in titled.values()):
        columns, panels = aligned(titled)
        found["svg"] = [
            drawing(columns, panels, width, kind=f"tl-{kind}", identity=f"{identity}-{kind}")
            for kind, width in SIZES.items()
        ]
    if everywhere:
        found["everywhere"] = spans(text, code, name, arguments)
    return found


def settings(text: str) -> dict[str, Any]:
    """The arguments of Kernel that the first line of a program gives.

    >>> settings("# Kernel(cpus=4)\\npass\\n"), settings("pass")
    ({'cpus': 4}, {})
    """
    found = SETTINGS.match(text)
    if not found:
        return {}
    call = ast.parse(found[1], mode="eval").body
    if not isinstance(call, ast.Call):
        raise ValueError("the first line must give arguments of Kernel, such as Kernel(cpus=4)")
    return {str(it.arg): ast.literal_eval(it.value) for it in call.keywords}


def source(text: str, label: str) -> str:
    """The code that a label such as ``line 3`` stands for; nothing for a label of a story."""
    number = label.removeprefix("line ").partition(" ")[0]
    lines = text.splitlines()
    known = label.startswith("line ") and number.isdigit() and int(number) <= len(lines)
    return lines[int(number) - 1].strip() if known else ""


def run_on(release: str, text: str, code: ast.Module, name: str, arguments: dict[str, Any]) -> Run:
    """Run a program on a kernel of its own."""
    result = Run(release)
    recorder = Recorder(Kernel(named(release), **arguments))
    output = io.StringIO()

    def program(kernel: Any, observe: Observe) -> None:
        names: dict[str, Any] = {}
        exec("from reference_model import *", names)
        if name:
            exec(compile(code, FILE, "exec"), names)
            if not callable(names.get(name)):
                raise Ended(f"The program must define {name}(kernel, observe).")
            names[name](kernel, observe)
        else:
            names |= {"kernel": kernel, "observe": observe}
            statement_by_statement(code, names, observe, result)

    def through(observer: Observer) -> Observe:
        result.seen = observer.seen
        return recorder.observing(observer)

    try:
        with contextlib.redirect_stdout(output):
            observed(program, recorder, through)
    except (BpfError, Denied) as error:
        result.error = f"{line_of(error)}{error.strerror}"
    except UndefinedBehaviour as error:
        result.error = f"{line_of(error)}the behaviour is undefined: {error}"
    except Ended as ended:
        result.error = str(ended)
    except (Exception, SystemExit) as error:
        result.error = f"{line_of(error)}{type(error).__name__}: {error}"
    result.printed = output.getvalue()
    result.timeline = recorder.timeline.folded()
    return result


def statement_by_statement(
    code: ast.Module, names: dict[str, Any], observe: Observe, result: Run
) -> None:
    """Run the statements of a program: plain values of expressions are observed, and failures."""
    for statement in code.body:
        if not isinstance(statement, ast.Expr):
            exec(compile(ast.Module([statement], []), FILE, "exec"), names)
            continue
        label = f"line {statement.lineno}"
        if label in result.seen:
            label += f" ({statement.col_offset})"
        try:
            value = eval(compile(ast.Expression(statement.value), FILE, "eval"), names)
        except (BpfError, Denied) as error:
            result.seen[label] = error.name if isinstance(error, BpfError) else error.answer
            result.reasons[label] = str(error.strerror)
        except UndefinedBehaviour:
            result.seen[label] = UNDEFINED
            raise
        else:
            if value is BOGUS_KEY or isinstance(value, PLAIN):
                observe(label, partial(_plain, value))


def _plain(value: Any) -> Any:
    return value


def line_of(error: BaseException) -> str:
    """Where in the program an error came from."""
    lines, at = [], error.__traceback__
    while at is not None:
        if at.tb_frame.f_code.co_filename == FILE:
            lines.append(at.tb_lineno)
        at = at.tb_next
    return f"Line {lines[-1]}: " if lines else ""


def spans(
    text: str, code: ast.Module, name: str, arguments: dict[str, Any]
) -> list[dict[str, object]]:
    """The outcome on all releases: a range of releases with the same results is one item."""
    runs = [run_on(release, text, code, name, arguments) for release in RELEASES]
    found = []
    for (_, outcome, error), group in groupby(
        runs, lambda one: (one.release == "proposal", one.outcome(), one.error)
    ):
        names = [one.release for one in group]
        span = title(names[0]) if len(names) == 1 else f"{title(names[0])} to {names[-1]}"
        found.append({"title": span, "seen": outcome, "error": error})
    return found
