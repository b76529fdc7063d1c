# SPDX-License-Identifier: GPL-2.0-only
"""The maps and the programs of an object, as libbpf finds them.

Modelled: ``tools/lib/bpf/libbpf.c``: maps of ``SEC(".maps")`` from BTF and of ``SEC("maps")`` from
their bytes, programs from the symbols of functions.  Left out: maps of global variables, and what
user space changes before it loads the object.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from .. import values
from . import Malformed, btf, elf
from .btf import Btf, lines
from .elf import Elf, Section, Symbol
from .section_names import Meaning, meaning
from .value_types import ValueType, key_type, value_type

PROG_ARRAY, HASH = 3, 1
SHARED, PER_CPU, CGRP = 19, 21, 32
STORAGES = frozenset({SHARED, PER_CPU})
"""The map types of cgroup storages."""
INSN = 8
"""Bytes of an instruction."""
PIN_BY_NAME = 1
SYMBOL_NAMES = frozenset({elf.STT_NOTYPE, elf.STT_FUNC})
_PAIR = "____btf_map_"
"""What begins the name of a struct of ``BPF_ANNOTATE_KV_PAIR``."""
INNER = -(1 << 32)
_LEGACY = 20
"""Bytes of ``struct bpf_map_def``: five numbers, with which ``struct bpf_elf_map`` begins too."""


@dataclass(eq=False, repr=False)
class Map:
    """A map as the object declares it."""

    name: str
    section: str
    at: int
    """The byte of its section at which it stands, from the table of symbols; INNER: nowhere."""
    type: int = 0
    """0: the object does not say, because it has no BTF."""
    key_size: int = 0
    value_size: int = 0
    max_entries: int = 0
    flags: int = 0
    numa_node: int = 0
    pinning: int = 0
    key: values.Type | None = None
    """The type of the key in BTF, as the kernel gets it."""
    value: ValueType | None = None
    slots: tuple[tuple[int, str], ...] = ()
    """The functions that libbpf puts into a program array, by slot."""
    inner: Map | None = None
    """The map that a map of maps declares as its inner one; libbpf creates it first."""

    @property
    def legacy(self) -> bool:
        """Whether it is declared in ``SEC("maps")``, which libbpf 1.0 rejects."""
        return self.section == "maps"


@dataclass(eq=False, repr=False)
class Function:
    """A function of the object."""

    name: str
    section: int
    start: int
    """The byte of its section at which it begins."""
    end: int
    shared: bool = False
    """Whether kernels verify it by itself, so that they do not know what it returns."""


@dataclass(eq=False, repr=False)
class Program:
    """A function that user space can load."""

    name: str
    section: str
    function: Function
    meaning: Meaning


@dataclass(eq=False, repr=False)
class Object:
    """What an object shows."""

    elf: Elf
    btf: Btf | None
    maps: list[Map] = field(default_factory=list)
    """In the order in which libbpf creates them."""
    functions: list[Function] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)
    """In the order in which libbpf loads them."""
    lines: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    """What of it could not be read, as sentences."""

    def place(self, function: Function, at: int) -> str:
        """Where an instruction stands: file and line, or the function and the instruction."""
        known = self.lines.get(self.elf.sections[function.section].name, [])
        before = bisect_right(known, at, key=lambda line: line[0])
        if before and known[before - 1][0] >= function.start:
            return known[before - 1][1]
        return f"{function.name}, instruction {(at - function.start) // INSN}"


def read(data: bytes) -> Object:
    """Read an image; Malformed says why it cannot be read, ImportError that pyelftools lacks."""
    found = Object(elf.read(data), None)
    section = found.elf.section(".BTF")
    if section is not None and section.data:
        try:
            found.btf = Btf(section.data, found.elf.order)
            more = found.elf.section(".BTF.ext")
            found.lines = lines(more.data, found.elf.order, found.btf) if more else {}
        except Malformed as error:
            found.doubts.append(f"Its BTF cannot be read: {error}.")
    found.maps = [*_legacy_maps(found), *_btf_maps(found)]
    found.functions, found.programs = _functions(found.elf)
    if not found.elf.symbols and any(section.code for section in found.elf.sections):
        raise Malformed("its table of symbols was removed: strip it with llvm-strip -g only")
    found.doubts += [
        f"The function {one.name} is static and outside of .text, and libbpf rejects such objects."
        for one in _static(found.elf)
    ]
    return found


def _static(image: Elf) -> Iterator[Symbol]:
    """Functions that are neither programs nor in ``.text``."""
    code = {one.number for one in image.sections if one.code and one.name != ".text"}
    for symbol in image.symbols:
        local = symbol.kind == elf.STT_FUNC and symbol.binding == elf.STB_LOCAL
        if local and symbol.section in code:
            yield symbol


def _variables(image: Elf, section: Section) -> list[Symbol]:
    """The variables of a section, in order."""
    found = {
        symbol.at: symbol
        for symbol in image.symbols
        if symbol.section == section.number and symbol.name and symbol.kind != elf.STT_SECTION
    }
    return [found[at] for at in sorted(found)]


def _legacy_maps(found: Object) -> Iterator[Map]:
    """``struct bpf_map_def SEC("maps")``"""
    section = found.elf.section("maps")
    pairs = {
        one.name: one
        for one in (found.btf.types if found.btf else ())
        if one.kind == btf.STRUCT and one.length == 2 and one.name.startswith(_PAIR)
    }
    for symbol in _variables(found.elf, section) if section else ():
        data = section.data[symbol.at : symbol.at + _LEGACY] if section else b""
        if len(data) < _LEGACY:
            raise Malformed(f"the map {symbol.name} has {len(data)} bytes, less than {_LEGACY}")
        numbers = struct.unpack(f"{found.elf.order}5I", data)
        declared = Map(symbol.name, "maps", symbol.at, *numbers)
        yield _annotated(found.btf, declared, pairs)


def _annotated(types: Btf | None, declared: Map, pairs: dict[str, btf.Type]) -> Map:
    """The map with the types of ``BPF_ANNOTATE_KV_PAIR``, if the object has them."""
    pair = pairs.get(_PAIR + declared.name)
    if types is None or pair is None:
        return declared
    key, value = types.members(pair)
    return replace(declared, key=key_type(types, key.type), value=value_type(types, value.type))


def _btf_maps(found: Object) -> Iterator[Map]:
    """``struct { ... } SEC(".maps")``"""
    section = found.elf.section(".maps")
    if section is None:
        return
    types = (
        {variable.name: variable.type for variable in found.btf.variables(".maps")}
        if (found.btf)
        else {}
    )
    if found.btf is None:
        found.doubts.append(
            "It has no BTF, so the types and sizes of its maps are unknown: compile it with -g."
        )
    for symbol in _variables(found.elf, section):
        declared = Map(symbol.name, ".maps", symbol.at)
        if symbol.name in types and found.btf:
            try:
                declared = _from_btf(found, found.btf, declared, types[symbol.name])
            except Malformed as error:
                found.doubts.append(f"The map {symbol.name} cannot be read: {error}.")
        elif found.btf:
            found.doubts.append(f"The BTF does not describe the map {symbol.name}.")
        if symbol.binding == elf.STB_LOCAL:
            found.doubts.append(
                f"The map {symbol.name} is static, and libbpf rejects such objects."
            )
        if declared.inner:
            yield declared.inner
        yield declared


_NUMBERS = {
    "type": "type",
    "key_size": "key_size",
    "value_size": "value_size",
    "max_entries": "max_entries",
    "map_flags": "flags",
    "numa_node": "numa_node",
    "pinning": "pinning",
}
"""The members of a declaration that are numbers, and the fields of Map."""


def _from_btf(found: Object, types: Btf, declared: Map, number: int) -> Map:
    """``parse_btf_map_def()``"""
    known: dict[str, object] = {}
    sizes: dict[str, int] = {}
    for member in types.members(types.resolved(number)):
        if member.name in _NUMBERS:
            at = declared.at + member.offset // 8
            known[_NUMBERS[member.name]] = _number(found, types, member.type, at)
        elif member.name in ("key", "value"):
            target = types.resolved(member.type)
            if target.kind != btf.PTR:
                raise Malformed(f"its {member.name} is no pointer to a type")
            read = key_type if member.name == "key" else value_type
            known[member.name] = read(types, target.number)
            sizes[f"{member.name}_size"] = types.size(target.number)
        elif member.name == "values":
            known["slots"] = tuple(_slots(found.elf, declared.at + member.offset // 8))
            known["inner"] = _inner(found, types, declared, member.type)
            sizes["value_size"] = 4
    if declared.name and "type" not in known:
        raise Malformed("its declaration has no type")
    return replace(declared, **{**sizes, **known})  # type: ignore[arg-type]


def _inner(found: Object, types: Btf, outer: Map, number: int) -> Map | None:
    """The inner map that ``__array(values, struct { ... })`` declares."""
    if outer.at == INNER:
        raise Malformed("its inner map is a map of maps")
    array = types.resolved(number)
    target = types.resolved(types.element(array)[0]) if array.kind == btf.ARRAY else array
    if target.kind != btf.PTR or types.resolved(target.number).kind != btf.STRUCT:
        return None
    return _from_btf(found, types, Map(f"{outer.name}.inner", ".maps", INNER), target.number)


def _number(found: Object, types: Btf, number: int, at: int) -> int:
    """A number of a declaration: ``__uint(name, number)``, or the initial value of a member."""
    member = types.resolved(number)
    if member.kind == btf.PTR:
        array = types.resolved(member.number)
        if array.kind != btf.ARRAY:
            raise Malformed("a number of its declaration is no pointer to an array")
        return types.element(array)[1]
    section = found.elf.section(".maps")
    data = section.data[at : at + 4] if section else b""
    if member.kind != btf.INT or len(data) < 4:
        raise Malformed("a number of its declaration has no value")
    return int.from_bytes(data, "little" if found.elf.order == "<" else "big")


def _slots(image: Elf, start: int) -> Iterator[tuple[int, str]]:
    """The functions that stand in ``values`` of a map, each by its relocation."""
    section = image.section(".maps")
    relocations = image.relocations.get(section.number, {}) if section else {}
    ends = [
        symbol.at + symbol.size
        for symbol in image.symbols
        if section
        and symbol.section == section.number
        and symbol.at <= start < symbol.at + symbol.size
    ]
    for at, relocation in sorted(relocations.items()):
        if start <= at < max(ends, default=0) and relocation.symbol.kind == elf.STT_FUNC:
            yield (at - start) // 8, relocation.symbol.name


def _functions(image: Elf) -> tuple[list[Function], list[Program]]:
    """All functions, and those that are programs: all outside ``.text``."""
    functions, programs = [], []
    symbols: dict[int, list[Symbol]] = {}
    for symbol in image.symbols:
        if symbol.kind in SYMBOL_NAMES and symbol.name:
            symbols.setdefault(symbol.section, []).append(symbol)
    for section in image.sections:
        named = symbols.get(section.number, []) if section.code else []
        typed = [symbol for symbol in named if symbol.kind == elf.STT_FUNC]
        known = typed or [symbol for symbol in named if symbol.binding != elf.STB_LOCAL]
        starts = sorted({symbol.at for symbol in known} | {len(section.data)})
        for symbol in known:
            if symbol.at >= len(section.data) or symbol.at % INSN:
                raise Malformed(f"the function {symbol.name} is not inside its section")
            end = starts[bisect_right(starts, symbol.at)]
            shared = symbol.binding != elf.STB_LOCAL and not symbol.hidden
            function = Function(symbol.name, section.number, symbol.at, end, shared)
            functions.append(function)
            if section.name != ".text" and symbol.binding != elf.STB_LOCAL:
                programs.append(Program(symbol.name, section.name, function, meaning(section.name)))
    return functions, programs
