# SPDX-License-Identifier: GPL-2.0-only
"""The shapes of BTF types in the format: ``"struct {u64; u32}"``."""

from __future__ import annotations

from functools import cache

from ..values import ENUM, RES_SPIN_LOCK, S32, S64, SPIN_LOCK, TIMER, U32, U64, Struct, Type

_SCALARS: dict[str, Type] = {"u32": U32, "s32": S32, "u64": U64, "s64": S64, "enum": ENUM}
_MEMBERS: dict[str, Type] = {
    "bpf_spin_lock": SPIN_LOCK,
    "bpf_res_spin_lock": RES_SPIN_LOCK,
    "bpf_timer": TIMER,
}
_NAMES = {described: name for name, described in (_SCALARS | _MEMBERS).items()}


@cache
def shape(text: str) -> Type:
    """Return the type of a C-like shape; ValueError if it is unknown."""
    text = text.removeprefix("typedef ")
    if text.startswith("struct {") and text.endswith("}"):
        members = (part.strip() for part in text[len("struct {") : -1].split(";"))
        types = {
            f"m{number}": _MEMBERS.get(member) or shape(member)
            for number, member in enumerate(members)
            if member != "pad"  # alignment adds it
        }
        return Struct(**types)
    if text not in _SCALARS:
        raise ValueError(f"unknown shape {text!r}")
    return _SCALARS[text]


def shape_of(described: Type) -> str:
    """Return the shape of a type; KeyError holds a type that has no name in the format."""
    if isinstance(described, Struct):
        return f"struct {{{'; '.join(_NAMES[member] for member in described.members.values())}}}"
    return _NAMES[described]
