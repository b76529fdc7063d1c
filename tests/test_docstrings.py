# SPDX-License-Identifier: GPL-2.0-only
"""Every public thing of the model says what it is; an overriding method inherits that."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import reference_model
from reference_model import traces

ELSEWHERE = {f"Replayer.{name}": "docs/traces.rst" for name in traces.OPERATIONS}
"""Methods that are described on a page, as one of them for each operation of the format is."""

MODULES = [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(reference_model.__path__, "reference_model.")
    if not found.name.endswith("__main__")
]


def public(module: ModuleType) -> Iterator[tuple[str, object]]:
    """The classes and functions that a module defines, and their methods and properties."""
    for name, found in vars(module).items():
        if name.startswith("_") or getattr(found, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(found) or inspect.isroutine(found):
            yield name, found
        if inspect.isclass(found):
            for method, kind in vars(found).items():
                if not method.startswith("_") and (
                    inspect.isroutine(kind) or isinstance(kind, property)
                ):
                    yield f"{name}.{method}", getattr(found, method)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_docstrings(module: ModuleType) -> None:
    assert inspect.getdoc(module)
    without = [name for name, found in public(module) if not inspect.getdoc(found)]
    assert [name for name in without if name not in ELSEWHERE] == []


@pytest.mark.parametrize("name", traces.OPERATIONS)
def test_what_is_described_elsewhere(name: str) -> None:
    page = Path(__file__).parent.parent / ELSEWHERE[f"Replayer.{name}"]
    assert name in re.findall(r"\w+", page.read_text(encoding="utf-8"))


def test_that_check_sees_something() -> None:
    names = {name for module in MODULES for name, _ in public(module)}
    some = {"Kernel", "DescriptorCommands.obj_pin", "MapCommands.map_freeze", "LinkFd", "read"}
    assert some <= names
    assert len(names) > 200
