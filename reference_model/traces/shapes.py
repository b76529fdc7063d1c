# SPDX-License-Identifier: GPL-2.0-only
"""The shapes of BTF types in the format: ``"struct {u64; u32}"``, ``"u64[4]"``."""

from __future__ import annotations

from functools import cache

from ..values import (
    ENUM,
    KPTR,
    RES_SPIN_LOCK,
    S32,
    S64,
    SPIN_LOCK,
    TIMER,
    U32,
    U64,
    Array,
    Special,
    Struct,
    Type,
)

_SCALARS: dict[str, Type] = {"u32": U32, "s32": S32, "u64": U64, "s64": S64, "enum": ENUM}
_MEMBERS: dict[str, Type] = {
    "bpf_spin_lock": SPIN_LOCK,
    "bpf_res_spin_lock": RES_SPIN_LOCK,
    "bpf_timer": TIMER,
    "kptr": KPTR,
}
_NAMES = {described: name for name, described in (_SCALARS | _MEMBERS).items()}


@cache
def shape(text: str) -> Type:
    """Return the type of a C-like shape; ValueError if it is unknown."""
    described = _described(text.removeprefix("typedef "))
    if isinstance(described, Special):
        raise ValueError(f"unknown shape {text!r}: a special field is a member of a struct")
    return described


def _described(text: str) -> Type:
    element, bracket, length = text.removesuffix("]").rpartition("[")
    if bracket and text.endswith("]") and length.isdecimal():
        return Array(_described(element), int(length))
    if text.startswith("struct {") and text.endswith("}"):
        members = [
            part for part in _parts(text[len("struct {") : -1]) if part != "pad"
        ]  # alignment
        return Struct(**{f"m{number}": _described(part) for number, part in enumerate(members)})
    found = _SCALARS.get(text) or _MEMBERS.get(text)
    if found is None:
        raise ValueError(f"unknown shape {text!r}")
    return found


def _parts(text: str) -> list[str]:
    """The members between semicolons; those of a struct inside stay together."""
    parts, depth = [""], 0
    for letter in text:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if letter == ";" and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def shape_of(described: Type) -> str:
    """Return the shape of a type; KeyError holds a type that has no name in the format."""
    if isinstance(described, Struct):
        return f"struct {{{'; '.join(map(shape_of, described.members.values()))}}}"
    if isinstance(described, Array):
        return f"{shape_of(described.element)}[{described.length}]"
    return _NAMES[described]
