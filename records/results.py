# SPDX-License-Identifier: GPL-2.0-only
"""What real kernels answered to the stories: the committed records, one file a kernel.

A record holds the kernel's identity and, for each story, what was observed and the digest of the
code that ran; the same for its C twin, of which only is kept in what it differed from the story.
The pages show these records, and a test compares them with stories and twins as they are.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reference_model.catalogue import Story, stories

FOLDER = Path(__file__).parent / "kernels"
EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"

LICENCE = "SPDX-License-Identifier: GPL-2.0-only"
"""In place of the comment that JSON cannot have: sorted, it is the first line."""


def digest(story: Story) -> str:
    """Sixteen digits that change with what a story runs and on which kernel, not with its prose."""
    made = [repr(sorted(story.kernel.items()))]
    waiting, known = [str(inspect.getsourcefile(inspect.unwrap(story.run)))], set[str]()
    while waiting:
        path = waiting.pop()
        if path in known:
            continue
        known.add(path)
        text = Path(path).read_text(encoding="utf-8")
        made.append(code(text))
        waiting += _borrows(path, text)
    return hashlib.sha256("\n".join(made).encode()).hexdigest()[:16]


def twin_digest(name: str, folder: Path = EXAMPLES) -> str:
    """Sixteen digits that change with the files of a C twin and with what all twins share."""
    files = (f"{name}.bpf.c", f"{name}.c", "example.c", "example.h")
    made = hashlib.sha256()
    for file in files:
        made.update((folder / file).read_bytes())
    return made.hexdigest()[:16]


def _borrows(path: str, text: str) -> Iterator[str]:
    """The stories' modules that a story's module takes code from."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom) and node.level in (1, 2) and node.module != "story":
            folder = Path(path).parents[node.level - 1]
            found = folder.joinpath(*str(node.module).split(".")).with_suffix(".py")
            if found.exists() and found.name != "story.py":
                yield str(found)


def code(text: str) -> str:
    """The statements of a module without its prose: as they are written, on any Python the same."""
    lines = text.splitlines()
    return "\n".join(
        "\n".join(lines[_first_line(node) - 1 : node.end_lineno])
        for node in ast.parse(text).body
        if not _is_prose(node)
    )


def _first_line(node: ast.stmt) -> int:
    """Where a statement begins, with what decorates it."""
    marks = node.decorator_list if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else []
    return min([node.lineno, *(mark.lineno for mark in marks)])


def _is_prose(node: ast.stmt) -> bool:
    """The docstring, the declaration of the story, and the words that declarations are made of."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "story"
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(target, ast.Name) and target.id == "STORY" for target in targets)


def read(folder: Path = FOLDER) -> Iterator[dict[str, Any]]:
    """The records, oldest kernel first."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    yield from sorted(found, key=lambda r: [int(n) for n in r["kernel"]["version"].split(".")])


def write(record: dict[str, Any], folder: Path = FOLDER) -> Path:
    """Write the record of a kernel; the file."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{record['kernel']['version']}.json"
    told = {"LICENSE": LICENCE, **record}
    text = json.dumps(told, indent=1, sort_keys=True) + "\n"
    path.with_suffix(".new").write_text(text, encoding="utf-8")
    path.with_suffix(".new").replace(path)
    return path


def differences(record: dict[str, Any]) -> Iterator[str]:
    """Where a record and the stories do not agree, in words."""
    version = record["kernel"]["version"]
    known: dict[str, Story] = stories()
    for name, told in record["stories"].items():
        if name not in known:
            yield f"{version}: {name}: there is no such story any more"
        elif told["digest"] != digest(known[name]):
            yield f"{version}: {name}: the story changed after it was recorded"
        else:
            wanted = expected(known[name], version)
            if told["observed"] != wanted:
                yield f"{version}: {name}: observed {told['observed']}, expected {wanted}"
    for name, told in record.get("twins", {}).items():
        if name not in known:
            yield f"{version}: {name}: there is no such twin any more"
        elif told["digest"] != twin_digest(name):
            yield f"{version}: {name}: the C twin changed after it was recorded"
        elif told["differs"]:
            yield f"{version}: {name}: the C twin differs: {told['differs']}"


def expected(story: Story, kernel: str) -> Any:
    """What a story must observe on a kernel, as JSON gives it back."""
    return json.loads(json.dumps(story.expected(kernel).seen))
