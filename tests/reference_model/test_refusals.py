# SPDX-License-Identifier: GPL-2.0-only
"""The table of refusals: each happens where it says, none that can happen is missing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import reference_model
from reference_model import BpfError, Kernel, errors
from reference_model.catalogue import RELEASES
from reference_model.interface import CALLS
from reference_model.refusals import ALL, ELSEWHERE, Refusal, Setup

MODEL = Path(reference_model.__file__).parent
ROOT = MODEL.parent
MODULES = [
    *("state", "kernel", "cgroups", "maps", "map_create", "storages", "programs", "attachments"),
    *("links", "ids", "execution", "prog_arrays", "cgrp_storage", "references", "descriptors"),
    "special_fields",
]
NOT_OURS = {
    *("cgrp_storage_delete", "cgrp_storage_get"),  # of BPF_MAP_TYPE_CGRP_STORAGE alone
    "run_hooks",  # the same as fire
}
OPERATIONS = {refusal.operation for refusal in ALL}
OBJECTS = {"obj_get", "unlink", "mkdir", "rmdir", "socket", "close_socket", "fire", "close", "dup"}
"""Operations that are not about maps, programs and attachments: the reference says less of them."""

each_refusal = pytest.mark.parametrize(
    "refusal", ALL, ids=lambda r: f"{r.operation}-{r.error.__name__}-{ALL.index(r)}"
)


@each_refusal
def test_a_rule_of_the_reference_says_so(refusal: Refusal) -> None:
    assert refusal.said_by or refusal.operation in OBJECTS


def provoked(refusal: Refusal, release: str) -> type[BpfError] | None:
    try:
        refusal.provoke(Setup(Kernel(release)))
    except BpfError as error:
        return type(error)
    return None


@each_refusal
def test_it_happens_on_the_releases_that_it_names_and_no_others(refusal: Refusal) -> None:
    for release in RELEASES:
        happened = provoked(refusal, release) is refusal.error
        assert happened == refusal.on(release), release


@each_refusal
def test_it_happens_in_its_operation(refusal: Refusal) -> None:
    """What the operation is given is made before, without a refusal."""
    release = next(name for name in RELEASES if refusal.on(name))
    with pytest.raises(refusal.error) as caught:
        refusal.provoke(Setup(Kernel(release)))
    assert refusal.operation in {entry.name for entry in caught.traceback}


def test_each_is_told_once() -> None:
    told = [(refusal.operation, refusal.error, refusal.when) for refusal in ALL]
    assert len(set(told)) == len(told)
    assert not any(refusal.when.endswith(".") for refusal in ALL)


def test_nothing_is_missing_and_nothing_too_much() -> None:
    raised = {
        (operation, error) for operation in sorted(OPERATIONS) for error in raised_by(operation)
    }
    listed = {(refusal.operation, refusal.error) for refusal in ALL}
    assert raised - listed - set(ELSEWHERE) == set(), "missing"
    assert listed - raised == set(), "cannot happen"
    assert set(ELSEWHERE) <= raised - listed, "not needed in ELSEWHERE"


def test_no_operation_is_missing() -> None:
    refusing = {name for name in CALLS if raised_by(name)}
    assert refusing - OPERATIONS == NOT_OURS


# -- what the code can raise: calls are followed by their names ------------------------------------

Function = tuple[str, ast.FunctionDef]
"""The class that it stands in, or nothing, and the function."""


def functions() -> dict[str, list[Function]]:
    found: dict[str, list[Function]] = {}
    for module in MODULES:
        tree = ast.parse((MODEL / f"{module}.py").read_text(encoding="utf-8"))
        for owner in ast.walk(tree):
            if isinstance(owner, ast.Module | ast.ClassDef):
                name = owner.name if isinstance(owner, ast.ClassDef) else ""
                for part in owner.body:
                    if isinstance(part, ast.FunctionDef):
                        found.setdefault(part.name, []).append((name, part))
    return found


FUNCTIONS = functions()
KERNEL = {base.__name__ for base in Kernel.__mro__}


def raised_by(operation: str) -> set[type[BpfError]]:
    """The errors that an operation's code names, and the code that it calls."""
    seen: set[tuple[str, str]] = set()
    waiting = [found for found in FUNCTIONS[operation] if found[0] in KERNEL]
    names: set[str] = set()
    while waiting:
        owner, function = waiting.pop()
        if (owner, function.name) not in seen:
            seen.add((owner, function.name))
            names |= errors_in(function)
            waiting += called(owner, function)
    return {getattr(errors, name) for name in names}


def errors_in(function: ast.FunctionDef) -> set[str]:
    return {
        node.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "errors"
        and node.attr != "BpfError"
        and issubclass(getattr(errors, node.attr), BpfError)
    }


def called(owner: str, function: ast.FunctionDef) -> Iterator[Function]:
    """What a function may call; a call on the kernel stays in the kernel."""
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)):
                inside = owner in KERNEL
                yield from (f for f in FUNCTIONS.get(name, ()) if (f[0] in KERNEL) == inside)
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
                if name not in BUILT_IN:
                    yield from FUNCTIONS.get(name, ())
            case _:
                pass


BUILT_IN = {*dir(dict), *dir(list), *dir(set), "run", "user"} - {"update"}
"""Names of methods of built-in types and of steps, which are not followed."""
