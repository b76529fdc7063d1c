# SPDX-License-Identifier: GPL-2.0-only
"""The refusals: each is used, described, and has a text that pages can match."""

from __future__ import annotations

import ast
import errno
import inspect
import pickle
import re
from pathlib import Path

import pytest
from support import machine

import reference_model
from reference_model import BpfError, Denied, UndefinedBehaviour, errors

MODEL = Path(reference_model.__file__).parent
CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, Exception)
}
REASONS: dict[str, type[BpfError]] = {
    name: value
    for name, value in CLASSES.items()
    if issubclass(value, BpfError) and BpfError in value.__bases__
}


def raised() -> set[str]:
    """The names of all classes that a ``raise`` or ``return`` of the model makes."""
    found = set()
    for path in MODEL.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            made = node.exc if isinstance(node, ast.Raise) else None
            if isinstance(node, ast.Return):
                made = node.value
            for part in ast.walk(made) if made is not None else ():
                if isinstance(part, ast.Attribute):
                    found.add(part.attr)
                elif isinstance(part, ast.Name):
                    found.add(part.id)
    return found


def test_all_are_known() -> None:
    assert CLASSES.keys() - REASONS.keys() == {"BpfError", "Denied", "UndefinedBehaviour"}


def test_each_is_raised_somewhere() -> None:
    assert CLASSES.keys() - raised() == {"BpfError"}


@pytest.mark.parametrize("name", CLASSES)
def test_each_says_when(name: str) -> None:
    document = CLASSES[name].__doc__
    assert document
    assert document.strip().endswith(".")


@pytest.mark.parametrize("name", REASONS)
def test_text(name: str) -> None:
    """``[Errno N] NAME: reason``; doctests match it."""
    cls = REASONS[name]
    number = cls.number
    known = {524: "ENOTSUPP", 95: "EOPNOTSUPP"}.get(number) or errno.errorcode[number]
    plain, detailed = cls(), cls("that one")
    assert str(plain) == f"[Errno {number}] {known}: {cls.reason}"
    assert str(detailed) == f"[Errno {number}] {known}: {cls.reason}: that one"
    assert plain.errno == number
    assert plain.name == known
    assert re.fullmatch(r"\S.*[^.\s]", cls.reason)


@pytest.mark.parametrize("name", REASONS)
def test_pickle(name: str) -> None:
    for error in (REASONS[name](), REASONS[name](0)):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert (str(again), again.errno) == (str(error), error.errno)


def test_kinds() -> None:
    assert issubclass(BpfError, OSError)
    assert issubclass(Denied, PermissionError)
    assert not issubclass(Denied, BpfError)  # an answer, and not a refusal
    assert not issubclass(UndefinedBehaviour, OSError)
    assert str(Denied("connect4")) == "[Errno 1] EPERM: denied by a program at connect4"


def test_errno_numbers() -> None:
    """ENOTSUPP is 524 and has no name in libc; EOPNOTSUPP is 95."""
    assert errors.ENOTSUPP == 524
    assert 524 not in errno.errorcode
    assert errors.ERRNO_NAMES[95] == "EOPNOTSUPP"


def test_an_error_of_the_model_can_be_caught_as_an_oserror() -> None:
    kernel, cgroup, counts, _, _ = machine()
    with pytest.raises(OSError, match=r"^\[Errno 2\] ENOENT: no entry has this key$") as caught:
        kernel.map_lookup_elem(counts, (cgroup, 0))
    assert caught.value.errno == errno.ENOENT
