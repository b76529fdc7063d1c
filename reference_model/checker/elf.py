# SPDX-License-Identifier: GPL-2.0-only
"""The sections, symbols and relocations of an object; the one module that imports pyelftools."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, NamedTuple

from . import Malformed

PACKAGE = "pyelftools==0.33"
MOST_BYTES = 64 << 20
"""What is read of headers, names and tables in all; only tables that overlap reach it."""

_EACH = 256
"""What a read counts beside its bytes, as most time goes into the many reads of small entries."""

SHT_PROGBITS, SHT_SYMTAB, SHT_RELA, SHT_NOBITS, SHT_REL = 1, 2, 4, 8, 9
SHF_EXECINSTR = 4
STB_LOCAL = 0
STT_NOTYPE, STT_FUNC, STT_SECTION = 0, 2, 3


class Section(NamedTuple):
    """A section of an object."""

    number: int
    name: str
    kind: int
    """``sh_type``"""
    code: bool
    """Whether it contains instructions."""
    data: bytes
    """Empty if nothing here needs it."""


class Symbol(NamedTuple):
    """A symbol: a function, a variable or a section."""

    name: str
    section: int
    """-1: it is not in the object, like a function of the kernel."""
    at: int
    """The byte of its section at which it begins."""
    size: int
    kind: int
    """``STT_FUNC`` or another one."""
    binding: int


class Relocation(NamedTuple):
    """What an instruction or a field refers to."""

    symbol: Symbol
    addend: int


@dataclass
class Elf:
    """An object as its ELF image shows it."""

    order: str
    """``<`` for little endian, ``>`` for big endian."""
    sections: list[Section]
    symbols: list[Symbol] = field(default_factory=list)
    relocations: dict[int, dict[int, Relocation]] = field(default_factory=dict)
    """By the number of a section and the byte in it."""

    def section(self, name: str) -> Section | None:
        """The first section of a name."""
        return next((found for found in self.sections if found.name == name), None)


def read(data: bytes) -> Elf:
    """Read an ELF image; Malformed says why it cannot be read.

    ImportError if pyelftools is not installed.
    """
    from elftools.elf.elffile import ELFFile  # not where the model is used without the check

    return _guarded(lambda: _read(ELFFile(_Bounded(data)), data))


class _Bounded(BytesIO):
    """An image of which only so much can be read, in all."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._left = MOST_BYTES

    def read(self, size: int | None = -1) -> bytes:
        """Some bytes; Malformed once there were too many."""
        found = super().read(size)
        self._left -= len(found) + _EACH
        if self._left < 0:
            raise Malformed("its tables are larger than those of any object")
        return found


def _guarded(act: Callable[[], Elf]) -> Elf:
    """Do it; the library raises errors of many kinds at a malformed image, and each is one."""
    try:
        return act()
    except Malformed:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        raise Malformed(f"it is no whole ELF image ({reason})") from error


def _read(image: Any, data: bytes) -> Elf:
    if image.header["e_machine"] != "EM_BPF":
        raise Malformed(f"it is compiled for {image.header['e_machine']}, not for BPF")
    elf = Elf("<" if image.little_endian else ">", [])
    found = list(image.iter_sections())
    left = MOST_BYTES
    for number, section in enumerate(found):
        elf.sections.append(_section(number, section, data))
        left -= len(elf.sections[-1].data)
        if left < 0:
            raise Malformed("its sections are larger than those of any object")
    for section in found:
        if section["sh_type"] == "SHT_SYMTAB" and not elf.symbols:
            elf.symbols = _symbols(section)
    for section in found:
        target = section["sh_info"]
        if section["sh_type"] in ("SHT_REL", "SHT_RELA") and _read_here(elf, target):
            elf.relocations.setdefault(target, {}).update(_relocations(section, elf.symbols))
    return elf


def _read_here(elf: Elf, number: int) -> bool:
    """Whether relocations of a section matter: those of code and of maps, not of debug data."""
    found = elf.sections[number] if number < len(elf.sections) else None
    return found is not None and (found.code or found.name == ".maps")


_KINDS = {
    "SHT_PROGBITS": SHT_PROGBITS,
    "SHT_SYMTAB": SHT_SYMTAB,
    "SHT_RELA": SHT_RELA,
    "SHT_NOBITS": SHT_NOBITS,
    "SHT_REL": SHT_REL,
}


_READ = {"maps", ".maps", ".BTF", ".BTF.ext"}
"""The sections whose bytes are needed, beside those with code."""


def _section(number: int, section: Any, data: bytes) -> Section:
    kind = _KINDS.get(section["sh_type"], 0)
    at, size = section["sh_offset"], section["sh_size"]
    if kind == SHT_NOBITS:
        size = 0
    elif at + size > len(data):
        raise Malformed(f"the section {section.name!r} ends beyond the end of the file")
    code = kind == SHT_PROGBITS and bool(section["sh_flags"] & SHF_EXECINSTR)
    kept = data[at : at + size] if code or section.name in _READ else b""
    return Section(number, section.name, kind, code, kept)


def _entries(section: Any) -> int:
    """How many entries a table has."""
    each = section["sh_entsize"]
    return int(section["sh_size"] // each) if each else 0


def _symbols(section: Any) -> list[Symbol]:
    symbols = []
    for number in range(_entries(section)):
        found = section.get_symbol(number)
        index = found["st_shndx"]
        kind, binding = found["st_info"]["type"], found["st_info"]["bind"]
        symbols.append(
            Symbol(
                found.name,
                index if isinstance(index, int) else -1,
                found["st_value"],
                found["st_size"],
                {"STT_NOTYPE": STT_NOTYPE, "STT_FUNC": STT_FUNC, "STT_SECTION": STT_SECTION}.get(
                    kind, -1
                ),
                STB_LOCAL if binding == "STB_LOCAL" else 1,
            )
        )
    return symbols


def _relocations(section: Any, symbols: list[Symbol]) -> dict[int, Relocation]:
    found = {}
    for number in range(_entries(section)):
        entry = section.get_relocation(number)
        index = entry["r_info_sym"]
        if index >= len(symbols):
            raise Malformed(f"the section {section.name!r} names a symbol that does not exist")
        found[entry["r_offset"]] = Relocation(symbols[index], entry.entry.get("r_addend", 0))
    return found
