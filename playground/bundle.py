# SPDX-License-Identifier: GPL-2.0-only
"""Make the scripts that a page loads to run Python: Pyodide, the model, and the stories.

All are classic scripts that only set a name, so a page loads them from a server and from a disk
alike.  Pyodide's parts are put into one of them, and the worker is one classic script as well:
a page that was opened from a disk can neither fetch files nor start a worker of modules.
"""

from __future__ import annotations

import ast
import base64
import gzip
import json
from collections.abc import Mapping
from pathlib import Path

import elftools

from records.files import HAZARDS

ROOT = Path(__file__).parent.parent
PYODIDE = ROOT / "build" / "pyodide" / "node_modules" / "pyodide"
"""Where ``make playground`` installs Pyodide."""

PARTS = (
    *("package.json", "pyodide-lock.json", "pyodide.js"),
    *("pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"),
)
"""The files of Pyodide that are used."""

MODEL = ROOT / "reference_model"
DRAWING = ROOT / "docs" / "_ext" / "common"
APART = (
    *("__main__", "commands", "leftovers", "other_changes"),
    *("outputs", "terminal", "workers"),
)
"""Modules of the model that only commands and pages need."""

FOR_FIGURES = ("recorder", "timeline")
"""Modules of the model that only programs need, which are shown with a figure."""

NOT_HERE = ("linux", "probe", "running", "divergence", "checker")
"""Packages that no example needs; they work with a real kernel, processes or object files."""

EXPORT = "export default _createPyodideModule;"
ADDRESS = "import.meta.url"
NAMES_GROUPS = "interface.py"
"""The module that names groups of calls by the docstrings of its classes."""

NOTICE = """\
// Pyodide {version}, https://github.com/pyodide/pyodide, Mozilla Public License 2.0, with CPython,
// PSF License. Changed: the module is a classic script.
"""


ELFTOOLS = ("__init__.py", "common/*.py", "construct/**/*.py", "elf/*.py")
"""The files of pyelftools that are used; the others read debug data."""
LIBRARY = "// Contains pyelftools, https://github.com/eliben/pyelftools, in the public domain.\n"


def installed(pyodide: Path = PYODIDE) -> bool:
    """Whether all that is used of Pyodide is there."""
    return all((pyodide / name).is_file() for name in PARTS)


def model() -> dict[str, str]:
    """The Python files that every run needs, by their paths in the browser, without docstrings."""
    files = [path for path in MODEL.glob("*.py") if path.stem not in APART + FOR_FIGURES]
    here = Path(__file__).parent
    return packed(
        *files, *(here / f"{name}.py" for name in ("__init__", "answers", "examples", "mine"))
    )


def figures() -> dict[str, str]:
    """The files that programs need beside it: what observes them and draws their figures."""
    files = [MODEL / f"{name}.py" for name in FOR_FIGURES]
    files += [MODEL / "catalogue" / f"{name}.py" for name in ("__init__", "story")]
    found = packed(*files, Path(__file__).with_name("programs.py"))
    return found | {f"common/{path.name}": stripped(path) for path in DRAWING.glob("timeline_*.py")}


def stories() -> dict[str, str]:
    """What the examples of some pages need beside it: the stories, the traces and a record."""
    files = (
        path
        for path in sorted(MODEL.glob("*/**/*.py"))
        if not {*NOT_HERE} & {*path.relative_to(MODEL).parts} and not path.stem.endswith("command")
    )
    record = HAZARDS.relative_to(ROOT).as_posix()
    return packed(*files) | {record: HAZARDS.read_text(encoding="utf-8")}


def packed(*files: Path) -> dict[str, str]:
    """Files by their paths in the browser, without docstrings."""
    return {path.relative_to(ROOT).as_posix(): stripped(path) for path in sorted(files)}


def checker() -> dict[str, str]:
    """What the check of objects needs beside the stories: its modules, and pyelftools."""
    files = [path for path in (MODEL / "checker").glob("*.py") if path.stem != "command"]
    files += [MODEL / "terminal.py", Path(__file__).parent / "objects.py"]
    found = packed(*files)
    library = Path(elftools.__file__).parent
    for path in (each for part in ELFTOOLS for each in library.glob(part)):
        found[path.relative_to(library.parent).as_posix()] = stripped(path)
    return dict(sorted(found.items()))


def stripped(path: Path) -> str:
    """The code of a module without comments and docstrings, except those that name groups."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [each for each in body if not is_text(each)]
            if path.name == NAMES_GROUPS and isinstance(node, ast.ClassDef):
                kept = [body[0], *kept]
            body[:] = kept or [ast.Pass()]
    return ast.unparse(tree)


def is_text(node: ast.AST) -> bool:
    """Whether a statement is nothing but a text."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def worker(pyodide: Path) -> str:
    """The worker as one classic script: Pyodide, and what answers a page."""
    made = (pyodide / "pyodide.asm.mjs").read_text(encoding="utf-8")
    if made.count(EXPORT) != 1 or ADDRESS not in made:
        raise ValueError(f"{pyodide}: this version of Pyodide is built in another way")
    made = made.replace(EXPORT, "").replace(ADDRESS, '"https://python.invalid/"')
    here = Path(__file__).parent
    parts = [
        (here / "before.js").read_text(encoding="utf-8"),
        (pyodide / "pyodide.js").read_text(encoding="utf-8").partition("//# sourceMappingURL")[0],
        made,
        (here / "worker.js").read_text(encoding="utf-8"),
    ]
    return "\n".join(parts)


def python(pyodide: Path) -> str:
    """The script that sets ``pyodideParts``."""
    package = json.loads((pyodide / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((pyodide / "pyodide-lock.json").read_text(encoding="utf-8"))
    wasm = gzip.compress((pyodide / "pyodide.asm.wasm").read_bytes(), mtime=0)
    parts = {
        "worker": worker(pyodide),
        "wasm": base64.b64encode(wasm).decode(),
        "library": base64.b64encode((pyodide / "python_stdlib.zip").read_bytes()).decode(),
        "lock": json.dumps({"info": lock["info"], "packages": {}}),
    }
    notice = NOTICE.format(version=package["version"])
    return notice + script("pyodideParts", parts)


def script(name: str, value: object) -> str:
    """A script that sets a name to a value."""
    return f"// SPDX-License-Identifier: GPL-2.0-only\nself.{name} = {json.dumps(value)};\n"


def write(folder: Path, more: Mapping[str, str], pyodide: Path = PYODIDE) -> None:
    """Write the scripts into a folder, and ``more`` of them by their names."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        **more,
        "model.js": script("modelFiles", model()),
        "figures.js": script("figuresFiles", figures()),
        "stories.js": script("storiesFiles", stories()),
        "checker.js": LIBRARY + script("checkerFiles", checker()),
        "python.js": python(pyodide),
    }
    for name, text in made.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
