# SPDX-License-Identifier: GPL-2.0-only
"""The sections, symbols and relocations of an object; the one module that imports pyelftools.

Only the structures of ELF are taken from there, and only entries that matter are read: its classes
for whole files also import what reads debug data, and take twice as long to start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
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
    hidden: bool = False
    """Whether libbpf treats it as a static one."""


class Relocation(NamedTuple):
    """What an instruction or a field refers to."""

    symbol: Symbol
    addend: int


@dataclass(eq=False, repr=False)
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
    from elftools.elf.structs import ELFStructs  # not where the model is used without the check

    return _guarded(_Reader(_structs(ELFStructs, data[5:6] == b"\1"), data).read)


@cache
def _structs(of: Any, little_endian: bool) -> Any:
    """The structures of one byte order."""
    structs = of(little_endian=little_endian, elfclass=64)
    structs.create_basic_structs()
    structs.create_advanced_structs("ET_REL", "EM_BPF")
    return structs


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


_READ = {"maps", ".maps", ".BTF", ".BTF.ext"}
"""The sections whose bytes are needed, beside those with code."""
_KINDS = {
    "SHT_PROGBITS": SHT_PROGBITS,
    "SHT_SYMTAB": SHT_SYMTAB,
    "SHT_RELA": SHT_RELA,
    "SHT_NOBITS": SHT_NOBITS,
    "SHT_REL": SHT_REL,
}
_SYMBOL_KINDS = {"STT_NOTYPE": STT_NOTYPE, "STT_FUNC": STT_FUNC, "STT_SECTION": STT_SECTION}


class _Reader:
    """Reads one image."""

    def __init__(self, structs: Any, data: bytes) -> None:
        self._structs, self._data = structs, data
        self._stream = _Bounded(data)

    def read(self) -> Elf:
        """The image; any exception if it is malformed."""
        header = self._entry(self._structs.Elf_Ehdr, 0)
        if header["e_machine"] != "EM_BPF":
            raise Malformed(f"it is compiled for {header['e_machine']}, not for BPF")
        table, each = header["e_shoff"], header["e_shentsize"]
        heads = [
            self._entry(self._structs.Elf_Shdr, table + number * each)
            for number in range(header["e_shnum"])
        ]
        names = heads[header["e_shstrndx"]]
        elf = Elf("<" if self._structs.little_endian else ">", [])
        left = MOST_BYTES
        for number, head in enumerate(heads):
            elf.sections.append(self._section(number, self._text(names, head["sh_name"]), head))
            left -= len(elf.sections[-1].data)
            if left < 0:
                raise Malformed("its sections are larger than those of any object")
        tables = [head for head in heads if head["sh_type"] == "SHT_SYMTAB"]
        if tables:
            elf.symbols = self._symbols(tables[0], heads[tables[0]["sh_link"]])
        for section, head in zip(elf.sections, heads, strict=True):
            target = head["sh_info"]
            if section.kind in (SHT_REL, SHT_RELA) and _read_here(elf, target):
                found = self._relocations(section, head, elf.symbols)
                elf.relocations.setdefault(target, {}).update(found)
        return elf

    def _entry(self, struct: Any, at: int) -> Any:
        """A structure of the image."""
        self._stream.seek(at)
        return struct.parse_stream(self._stream)

    def _entries(self, struct: Any, head: Any) -> Iterator[Any]:
        """The structures of a table."""
        each = head["sh_entsize"]
        for number in range(head["sh_size"] // each if each else 0):
            yield self._entry(struct, head["sh_offset"] + number * each)

    def _text(self, table: Any, at: int) -> str:
        """A string of a table of strings."""
        start = table["sh_offset"] + at
        self._stream.seek(start)
        end = self._data.find(b"\0", start)
        return self._stream.read(max(end - start, 0)).decode("utf-8", "replace")

    def _section(self, number: int, name: str, head: Any) -> Section:
        kind = _KINDS.get(head["sh_type"], 0)
        at, size = head["sh_offset"], head["sh_size"]
        if kind == SHT_NOBITS:
            size = 0
        elif at + size > len(self._data):
            raise Malformed(f"the section {name!r} ends beyond the end of the file")
        code = kind == SHT_PROGBITS and bool(head["sh_flags"] & SHF_EXECINSTR)
        kept = self._data[at : at + size] if code or name in _READ else b""
        return Section(number, name, kind, code, kept)

    def _symbols(self, head: Any, names: Any) -> list[Symbol]:
        return [
            Symbol(
                self._text(names, found["st_name"]),
                found["st_shndx"] if isinstance(found["st_shndx"], int) else -1,
                found["st_value"],
                found["st_size"],
                _SYMBOL_KINDS.get(found["st_info"]["type"], -1),
                STB_LOCAL if found["st_info"]["bind"] == "STB_LOCAL" else 1,
                found["st_other"]["visibility"] in ("STV_HIDDEN", "STV_INTERNAL"),
            )
            for found in self._entries(self._structs.Elf_Sym, head)
        ]

    def _relocations(
        self, section: Section, head: Any, symbols: list[Symbol]
    ) -> dict[int, Relocation]:
        found = {}
        struct = self._structs.Elf_Rela if section.kind == SHT_RELA else self._structs.Elf_Rel
        for entry in self._entries(struct, head):
            index = entry["r_info_sym"]
            if index >= len(symbols):
                raise Malformed(f"the section {section.name!r} names a symbol that does not exist")
            found[entry["r_offset"]] = Relocation(symbols[index], entry.get("r_addend", 0))
        return found


def _read_here(elf: Elf, number: int) -> bool:
    """Whether relocations of a section matter: those of code and of maps, not of debug data."""
    found = elf.sections[number] if number < len(elf.sections) else None
    return found is not None and (found.code or found.name == ".maps")
