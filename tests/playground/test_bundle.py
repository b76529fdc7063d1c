# SPDX-License-Identifier: GPL-2.0-only
"""The scripts that pages load."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from playground import bundle

MOST = 60_000  # bytes, gzipped


def written(folder: Path, files: dict[str, str]) -> Path:
    """Write files as the worker does."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def test_the_model_alone_answers(tmp_path: Path) -> None:
    """Without docstrings, and without any file that a page does not load."""
    home = written(tmp_path, bundle.model())
    both = written(tmp_path / "both", bundle.model() | bundle.figures())
    text = ">>> from reference_model import *\n>>> Kernel('5.8')\nKernel('5.8')\n"
    examples = answered(home, {"do": "examples", "blocks": [{"text": text}]})
    assert [it["same"] for it in examples["blocks"][0]] == [True, True]
    program = answered(both, {"do": "program", "text": "1 + 1", "releases": ["5.8"]})
    assert program["rows"][0]["values"] == ["2"]


def answered(home: Path, request: dict[str, Any]) -> Any:
    """What the files answer in a Python that has nothing else."""
    code = f"import sys; sys.path[:0] = [{str(home)!r}]; from playground.answers import answer"
    result = subprocess.run(
        [sys.executable, "-I", "-c", f"{code}; print(answer({json.dumps(request)!r}))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(result.stdout)


def test_the_model_is_small() -> None:
    script = bundle.script("modelFiles", bundle.model())
    assert len(gzip.compress(script.encode())) < MOST


def test_stories_have_what_the_model_lacks() -> None:
    files = bundle.stories()
    assert "reference_model/catalogue/recipes/zero_explicitly.py" in files
    assert "reference_model/traces/replayer.py" in files
    assert not [path for path in files if "/linux/" in path or "/divergence/" in path]


def test_the_checker_has_what_it_needs(tmp_path: Path) -> None:
    """Without any file that a page does not load, and without pyelftools being installed."""
    home = written(tmp_path, bundle.model() | bundle.stories() | bundle.checker())
    head = b"\x7fELF\2\1\1" + bytes(9) + b"\1\0\xf7\0" + bytes(20)
    header = head + b"\0\x10" + bytes(16) + b"\x40\0\1\0\0\0"  # a section beyond the end
    data = base64.b64encode(header).decode()
    request = json.dumps({"do": "check", "name": "short.o", "data": data, "first": "5.8"})
    code = f"from playground.answers import answer; print(answer({request!r}))"
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = [{str(home)!r}]\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = json.loads(result.stdout)["lines"]
    assert lines[0] == "short.o: cannot tell"
    assert "it is no whole ELF image" in lines[1]


def pyodide(folder: Path, code: str) -> Path:
    """A stand-in for the package."""
    files = {
        "pyodide.asm.mjs": code,
        "pyodide.js": "loadPyodide()\n//# sourceMappingURL=pyodide.js.map",
        "pyodide-lock.json": '{"info": {"python": "3.14.2"}, "packages": {"numpy": {}}}',
        "package.json": '{"version": "314.0.7"}',
        "pyodide.asm.wasm": "wasm",
        "python_stdlib.zip": "zip",
    }
    return written(folder, files)


def test_the_worker_is_one_classic_script(tmp_path: Path) -> None:
    package = pyodide(tmp_path, "let a = import.meta.url; export default _createPyodideModule;")
    text = bundle.worker(package)
    assert "import.meta" not in text
    assert "export default" not in text
    assert "sourceMappingURL" not in text
    assert text.index("self.importScripts") < text.index("loadPyodide()") < text.index("onmessage")
    script = bundle.python(package)
    assert script.startswith("// Pyodide 314.0.7, https://")
    assert "numpy" not in script


def test_a_part_of_pyodide_is_not_enough(tmp_path: Path) -> None:
    package = pyodide(tmp_path, "")
    assert bundle.installed(package)
    (package / "python_stdlib.zip").unlink()
    assert not bundle.installed(package)


def test_pyodide_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="built in another way"):
        bundle.worker(pyodide(tmp_path, "export default somethingElse;"))


def test_scripts_are_written_where_they_changed(tmp_path: Path) -> None:
    package = pyodide(tmp_path / "p", "import.meta.url; export default _createPyodideModule;")
    for text in ("one", "one", "two"):
        bundle.write(tmp_path / "out", {"programs.js": text}, package)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    scripts = {"checker", "figures", "model", "programs", "python", "stories"}
    assert names == {f"{name}.js" for name in scripts}
    assert (tmp_path / "out" / "programs.js").read_text() == "two"


def test_pyodide_has_one_version_and_a_digest() -> None:
    here = Path(bundle.__file__).parent
    wanted = json.loads((here / "package.json").read_text())["dependencies"]
    locked = json.loads((here / "package-lock.json").read_text())["packages"]
    assert locked["node_modules/pyodide"]["version"] == wanted["pyodide"]
    assert all(it["integrity"].startswith("sha512-") for name, it in locked.items() if name)
