# SPDX-License-Identifier: GPL-2.0-only
"""The code of a story on its page: the functions that it runs, and the run as a doctest."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from pprint import pformat
from typing import Any, TypeVar

from common.sources import home
from common.words import linux
from docutils import nodes

from reference_model import Kernel
from reference_model.catalogue import Observations, Story, line_raised, observed
from reference_model.catalogue.story import Run, StoryError

T = TypeVar("T")

CATALOGUE = "reference_model.catalogue"


@dataclass(frozen=True)
class Module:
    """A module of the catalogue, read: which statement makes which name."""

    path: str
    lines: list[str]
    statements: dict[str, ast.stmt] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)
    """The files of modules of stories that names come from."""


@cache
def _module(path: str, modified: int) -> Module:
    text = Path(path).read_text(encoding="utf-8")
    module = Module(path, text.splitlines())
    for statement in ast.parse(text).body:
        match statement:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                module.statements[name] = statement
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                module.statements[name] = statement
            case ast.ImportFrom(module=str(source), level=1 | 2 as level) if source != "story":
                lender = Path(path).parents[level - 1].joinpath(*source.split("."))
                for alias in statement.names:
                    module.imported[alias.asname or alias.name] = f"{lender}.py"
            case _:
                pass
    return module


def read(path: str) -> Module:
    """A module of the catalogue, as it is now."""
    return _module(path, Path(path).stat().st_mtime_ns)


def line_of(story: Story, part: str) -> int:
    """The line in its file where a part of a story begins, or the story itself.

    >>> from reference_model.catalogue import stories
    >>> story = stories()["reattach_keeps_data"]
    >>> read(home(story)).lines[line_of(story, "summary") - 1].strip()
    'summary=\"\"\"'
    """
    made = read(home(story)).statements["STORY"]
    calls = (node for node in ast.walk(made) if isinstance(node, ast.Call))
    for keyword in (keyword for call in calls for keyword in call.keywords):
        if keyword.arg == part:
            return keyword.value.lineno
    return made.lineno


def parts(run: Run, skip: frozenset[str] = frozenset()) -> Iterator[tuple[str, str, int, str]]:
    """The function of a run and all that it uses of its module, in their order.

    Each as its name, file, line and text; those in ``skip``, given as file and name, were shown.
    """
    function = inspect.unwrap(run)
    yield from _needed(str(inspect.getsourcefile(function)), function.__name__, skip)


def _needed(path: str, name: str, skip: frozenset[str]) -> Iterator[tuple[str, str, int, str]]:
    module = read(path)
    needed, elsewhere, waiting = set[str](), dict[str, str](), [name]
    while waiting:
        found = waiting.pop()
        if found in module.statements and found not in needed:
            needed.add(found)
            names = ast.walk(module.statements[found])
            waiting += [node.id for node in names if isinstance(node, ast.Name)]
        elif found in module.imported:
            elsewhere[found] = module.imported[found]
    for found, statement in module.statements.items():
        if found in needed and f"{path}:{found}" not in skip:
            text = "\n".join(module.lines[statement.lineno - 1 : statement.end_lineno])
            yield found, path, statement.lineno, text
    for found, other in elsewhere.items():
        if Path(other).exists():
            yield from _needed(other, found, skip)


def code(run: Run, skip: frozenset[str] = frozenset()) -> tuple[list[nodes.Node], frozenset[str]]:
    """The code of a run as blocks, one for each file, and what they show."""
    by_file: dict[str, list[tuple[str, int, str]]] = {}
    for name, path, line, text in parts(run, skip):
        by_file.setdefault(path, []).append((name, line, text))
    blocks: list[nodes.Node] = []
    for number, (path, found) in enumerate(by_file.items()):
        if number:
            shown = shown_path(path)
            blocks.append(nodes.paragraph("", "", nodes.Text("From "), nodes.literal(shown, shown),
                                          nodes.Text(":")))  # fmt: skip
        text = "\n\n\n".join(text for _, _, text in found)
        block = nodes.literal_block(text, text, language="python")
        block.source, block.line = path, found[0][1]
        blocks.append(block)
    known = {f"{path}:{name}" for path, found in by_file.items() for name, _, _ in found}
    return blocks, skip | known


def shown_path(path: str) -> str:
    """A file of the model as a reader finds it in the repository."""
    return Path(path).relative_to(Path(inspect.getfile(Kernel)).parents[1]).as_posix()


def kernel(story: Story, release: str) -> str:
    """How a reader makes the kernel of a story."""
    arguments = "".join(f", {name}={value!r}" for name, value in story.kernel.items())
    return f'Kernel("{release}"{arguments})'


def ran(story: Story, release: str, act: Callable[[], T]) -> T:
    """What running a program of a story returns; StoryError if it cannot run on the release."""
    try:
        return act()
    except Exception as error:
        where = f"{home(story)}:{line_raised(error, home(story))}: on {linux([release])}"
        raise StoryError(f"{where}: {type(error).__name__}: {error}") from error


def observations(run: Run, story: Story, release: str) -> Observations:
    """What a run observes on a release."""
    return ran(story, release, lambda: observed(run, Kernel(release, **story.kernel)))


def example(story: Story, name: str, release: str, seen: Observations | None) -> str:
    """A run as a doctest: what is typed, and what the outcome says; None: as the model answers.

    Where model and outcome say the same, the order of the labels is the model's.
    """
    given = observations(getattr(story, name), story, release)
    if seen is None or given == seen:
        seen = given
    call = f"observed(story.{name}, {kernel(story, release)})"
    if len(repr(seen)) < 80:
        return f">>> {call}\n{seen!r}"
    return f">>> pprint({call}, sort_dicts=False)\n{pformat(seen, sort_dicts=False)}"


def opening(name: str, examples: list[str]) -> str:
    """The lines before the first example of a page."""
    pprint = [">>> from pprint import pprint"] * any("pprint(" in text for text in examples)
    return "\n".join(
        (
            *pprint,
            ">>> from reference_model import Kernel",
            f">>> from {CATALOGUE} import observed, stories",
            f'>>> story = stories()["{name}"]',
        )
    )


def block(text: str, path: str, line: int) -> nodes.literal_block:
    """A doctest that the doctest builder runs, and reports at this place."""
    attributes: dict[str, Any] = {"testnodetype": "doctest", "groups": ["default"], "options": {}}
    node = nodes.literal_block(text, text, language="pycon", **attributes)
    node.source, node.line = path, line
    return node
