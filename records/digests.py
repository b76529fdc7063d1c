# SPDX-License-Identifier: GPL-2.0-only
"""Digests of what runs on a kernel: of a story's function and of its versions in C and in Go.

A record keeps the digest of what was run. If the digest of today's file is another one, the record
is out of date. A digest covers only what runs: in Python the story's ``run``, and the functions,
classes and constants that it reaches, without imports, annotations and docstrings; in C and in Go
the tokens and the directives, without comments and white space.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reference_model import catalogue
from reference_model.catalogue import Story

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
CATALOGUE = Path(str(catalogue.__file__)).parent


def digest(story: Story) -> str:
    """Sixteen digits that change with what a story runs and with the kernel that it asks for."""
    function = inspect.unwrap(story.run)
    path = Path(str(inspect.getsourcefile(function)))
    runs = list(_reached(path, function.__name__))
    if not runs:
        raise ValueError(f"{path} does not define {function.__name__}, which a story runs")
    return _digits([repr(sorted(story.kernel.items())), *runs])


def twin_digest(name: str, folder: Path = EXAMPLES) -> str:
    """Sixteen digits that change with the files of a C version, and with those that all share."""
    files = (f"{name}.bpf.c", f"{name}.c", "example.c", "example.h")
    return _digits([c_code((folder / file).read_text(encoding="utf-8")) for file in files])


def go_names(folder: Path = EXAMPLES) -> list[str]:
    """The stories that have a version in Go."""
    return sorted(path.parent.name for path in (folder / "go").glob("*/story.go"))


def go_digest(name: str, folder: Path = EXAMPLES) -> str:
    """Sixteen digits that change with the files of a version in Go and with what all of them share.

    A raw string has no other form in the tokens than code has, so a change of white space in one
    goes unseen: the examples have no raw strings.
    """
    go = folder / "go"
    files = (*sorted((go / name).glob("*.go")), *sorted((go / "internal").glob("*/*.go")))
    texts = (path.read_text(encoding="utf-8") for path in (folder / f"{name}.bpf.c", *files))
    return _digits([c_code(text) for text in texts])


def session_digest(name: str, folder: Path = EXAMPLES) -> str:
    """Sixteen digits that change with the shell lines of a story, and with their program."""
    (script,) = folder.glob(f"*/{name}.sh")
    lines = (line.strip() for line in script.read_text(encoding="utf-8").splitlines())
    run = [line for line in lines if line and (line[0] != "#" or "shown]" in line)]
    home = script.parent if script.parent.name == "tutorial" else folder
    program = (home / f"{name}.bpf.c").read_text(encoding="utf-8")
    return _digits(["\n".join(run), c_code(program)])


def _digits(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


# -- Python ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Module:
    """What the digest needs of a module: its text at one moment."""

    defined: dict[str, tuple[ast.stmt, ...]]
    """The statements of the module that bind a name, by that name."""
    borrowed: dict[str, tuple[Path, str]]
    """The names that it imports from modules of other stories, and what they are there: "" for a
    whole module."""


def _reached(path: Path, name: str) -> Iterator[str]:
    """The code that a name of a module stands for, and of all names of stories that it uses."""
    waiting, known = [(path, name)], set[tuple[Path, str]]()
    while waiting:
        place = path, name = waiting.pop(0)
        if place in known:
            continue
        known.add(place)
        module = _module(path, path.read_text(encoding="utf-8"))
        if name in module.borrowed:
            waiting.append(module.borrowed[name])
        if not name:
            waiting += [(path, defined) for defined in module.defined]
        for statement in module.defined.get(name, ()):
            used: list[str] = []
            yield _code(statement, used)
            waiting += [(path, name) for name in used]


@cache
def _module(path: Path, text: str) -> _Module:
    """Read a module of a story."""
    defined: dict[str, tuple[ast.stmt, ...]] = {}
    borrowed: dict[str, tuple[Path, str]] = {}
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                for lent in _lenders(path, statement, alias.name):
                    borrowed[alias.asname or alias.name] = lent
        for name in _bound(statement):
            defined[name] = (*defined.get(name, ()), statement)
    return _Module(defined, borrowed)


def _lenders(path: Path, statement: ast.ImportFrom, name: str) -> Iterator[tuple[Path, str]]:
    """What an import takes from the module of a story, or the whole module; nothing else."""
    parts = statement.module.split(".") if statement.module else []
    if statement.level in (1, 2):
        folder = path.parents[statement.level - 1]
    elif not statement.level and parts[:2] == catalogue.__name__.split("."):
        folder, parts = CATALOGUE, parts[2:]
    else:
        return
    for words, lent in ((parts, name), ([*parts, name], "")):
        found = folder.joinpath(*words).with_suffix(".py")
        if found.is_file() and found.name != "story.py":
            yield found, lent


def _bound(statement: ast.stmt) -> set[str]:
    """The names that a statement of a module binds."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {statement.name}
    names = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
    return {node.id for node in names if isinstance(node.ctx, ast.Store)}


NOT_RUN = {"annotation", "returns", "ctx", "kind", "type_comment", "type_ignores", "type_params"}
"""Fields of the syntax tree that say nothing about what runs."""


def _code(node: object, used: list[str]) -> str:
    """The code of a syntax tree, the same on any Python; the names in it are added to ``used``."""
    if isinstance(node, list):
        return f"[{' '.join(_code(part, used) for part in node if not _is_prose(part))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.Name):
        used.append(node.id)
    if isinstance(node, ast.AnnAssign):
        node = ast.Assign([node.target], node.value)  # type: ignore[arg-type]
    fields = [(name, value) for name, value in ast.iter_fields(node) if name not in NOT_RUN]
    texts = (f"{name}={_code(value, used)}" for name, value in fields if value not in (None, []))
    return f"{type(node).__name__}({' '.join(texts)})"


def _is_prose(node: object) -> bool:
    """Whether a statement is an import, or a docstring."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return isinstance(node, (ast.Import, ast.ImportFrom))


# -- C ---------------------------------------------------------------------------------------------

C_TOKEN = re.compile(
    r"""
    (?P<space> (?: \s | //[^\n]* | /\*.*?\*/ )+ )
    | (?P<literal> "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' )
    | \w+ | \.\.\. | <<= | >>= | -> | \+\+ | -- | \#\# | && | \|\| | << | >> | [-+*/%&|^<>=!]= | .
    """,
    re.DOTALL | re.VERBOSE,
)


def c_code(text: str) -> str:
    """The tokens of a C file, one a line, and each directive as a line.

    >>> c_code("#define ONE\\t1 /* one */\\nint  one=ONE; // 1").splitlines()
    ['#define ONE 1', 'int', 'one', '=', 'ONE', ';']
    """
    made: list[str] = []
    directive, line_begins = False, True
    for match in C_TOKEN.finditer(text.replace("\\\n", "")):
        token = match[0]
        if match["space"]:
            bare = re.sub(r"/\*.*?\*/", " ", token, flags=re.DOTALL)
            if "\n" in bare:
                directive, line_begins = False, True
            elif directive and made[-1] != "#":
                made[-1] += " "
            continue
        if directive:
            made[-1] += token
        else:
            made.append(token)
            directive = line_begins and token == "#"
        line_begins = False
    return "\n".join(line.rstrip() for line in made)
