# SPDX-License-Identifier: GPL-2.0-only
"""What real kernels answered to the stories: the committed records, one file a kernel.

A record holds the kernel's identity and, for each story, what was observed and the digest of the
code that ran.  The pages show these records, and a test compares them with the stories as they are.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reference_model.catalogue import Story, stories

FOLDER = Path(__file__).parent / "results"


def digest(story: Story) -> str:
    """Sixteen digits that change with the code of a story, and not with its prose."""
    module = importlib.import_module(story.run.__module__)
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    code = [node for node in tree.body if not _is_prose(node)]
    text = "\n".join(ast.unparse(node) for node in code)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _is_prose(node: ast.stmt) -> bool:
    """The docstring, and the declaration of the story."""
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
    text = json.dumps(record, indent=1, sort_keys=True) + "\n"
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
            expected = _plain(known[name].expected(version).seen)
            if told["observed"] != expected:
                yield f"{version}: {name}: observed {told['observed']}, expected {expected}"


def _plain(seen: dict[str, Any]) -> Any:
    """As JSON gives it back."""
    return json.loads(json.dumps(seen))
