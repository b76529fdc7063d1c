# SPDX-License-Identifier: GPL-2.0-only
"""Malformed objects: a sentence, in bounded time and memory, and never another exception."""

from __future__ import annotations

import resource
import struct
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_objects import COUNT, MAP, RELEASES, compiled, examined, needs_compiler

from reference_model import Release
from reference_model.checker import Malformed, code, elf, flow, objects
from reference_model.checker.code import Code
from reference_model.checker.examine import examine

TAIL_CALL = """
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 2);
} jumps SEC(".maps");
static __attribute__((noinline)) int add(__u64 *v, int n) { *v += n; return n & 1; }
SEC("cgroup/skb") int entry(struct __sk_buff *skb)
{
	__u64 *v = bpf_get_local_storage(&counts, 0);
	bpf_tail_call(skb, &jumps, 1);
	return add(v, skb->len);
}
"""
SECONDS = 5.0
"""Far more than an example needs."""
BYTES = 512 << 20


@pytest.fixture(scope="module", autouse=True)
def little_memory() -> Iterator[None]:
    """A test that takes much more memory than it has now fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def whole() -> bytes:
    return compiled(MAP + COUNT + TAIL_CALL)


def bounded(data: bytes) -> None:
    """Examine a file: whatever is in it, it takes little time and says so in sentences."""
    begun = time.process_time()
    for found in examine("file", data, [RELEASES[0], RELEASES[-1]]):
        assert all(doubt.endswith(".") for doubt in found.doubts)
    assert time.process_time() - begun < SECONDS


@needs_compiler
@settings(max_examples=100)
@given(st.data())
def test_changed_bytes(data: st.DataObject) -> None:
    """Some bytes of a real object are others: in headers, tables, types or code."""
    image = bytearray(whole())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(image) - 8))
        width = data.draw(st.sampled_from((1, 2, 4, 8)))
        number = data.draw(
            st.sampled_from((0, 1, 7, 0xFF, (1 << 8 * width) - 1, 1 << 8 * width - 1, len(image)))
            | st.integers(0, (1 << 8 * width) - 1)
        )
        image[at : at + width] = (number % (1 << 8 * width)).to_bytes(width, "little")
    bounded(bytes(image))


@needs_compiler
@settings(max_examples=60)
@given(st.data())
def test_changed_parts(data: st.DataObject) -> None:
    """The bytes of one section are others: its types, symbols, relocations or instructions."""
    image = bytearray(whole())
    (table,) = struct.unpack_from("<Q", image, 40)
    names = [one.name for one in elf.read(whole()).sections]
    number = names.index(
        data.draw(
            st.sampled_from(
                [".BTF", ".BTF.ext", ".symtab", ".maps", "cgroup/skb", ".relcgroup/skb", ".text"]
            )
        )
    )
    offset, size = struct.unpack_from("<QQ", image, table + number * 64 + 24)
    for _ in range(data.draw(st.integers(1, 6))):
        at = offset + data.draw(st.integers(0, max(size // 4 - 1, 0))) * 4
        image[at : at + 4] = data.draw(st.binary(min_size=4, max_size=4))
    bounded(bytes(image))


@needs_compiler
@pytest.mark.parametrize("part", [0.01, 0.2, 0.5, 0.9, 0.999])
def test_a_truncated_object(part: float) -> None:
    image = whole()
    cut = image[: int(len(image) * part)]
    (found,) = examine("file", cut, RELEASES)
    (doubt,) = found.doubts
    assert "no whole ELF image" in doubt or "ends beyond" in doubt or "no BPF object" in doubt
    assert not found.affected
    bounded(b"#" * 64 + cut)


@needs_compiler
def test_an_offset_beyond_the_file() -> None:
    image = bytearray(whole())
    (table,) = struct.unpack_from("<Q", image, 40)
    struct.pack_into("<Q", image, table + 64 * 2 + 24, 1 << 60)
    (found,) = examine("file", bytes(image), RELEASES)
    assert "ends beyond the end of the file" in found.doubts[0]


def test_tables_that_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of tables of symbols, all in the same bytes."""
    monkeypatch.setattr(elf, "MOST_BYTES", 8 << 20)
    count = 8000
    body = bytes(24 * 5000)
    header = struct.pack(
        "<4sBBB9xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 1, 247, 1, 0, 0, 64 + len(body), 0, 64, 0, 0,
        64, count, 0,
    )  # fmt: skip
    section = struct.pack("<IIQQQQIIQQ", 0, 9, 0, 0, 64, len(body), 2, 1, 0, 16)
    code_section = struct.pack("<IIQQQQIIQQ", 0, 1, 4, 0, 64, len(body), 0, 0, 0, 0)
    symbols = struct.pack("<IIQQQQIIQQ", 0, 2, 0, 0, 64, len(body), 3, 0, 0, 24)
    names = struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, 64, len(body), 0, 0, 0, 0)
    sections = [bytes(64), code_section, symbols, names, *[section] * (count - 4)]
    begun = time.process_time()
    with pytest.raises(Malformed, match="larger than those of any object"):
        elf.read(header + body + b"".join(sections))
    assert time.process_time() - begun < SECONDS


@needs_compiler
def test_a_program_for_another_machine() -> None:
    image = bytearray(whole())
    struct.pack_into("<H", image, 18, 62)  # EM_X86_64
    with pytest.raises(Malformed, match="compiled for EM_X86_64, not for BPF"):
        elf.read(bytes(image))


@needs_compiler
def test_code_that_cannot_be_followed_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "MOST_STEPS", 5)
    found = examined(whole(), [Release("5.9")])
    assert any("could not be followed to its end" in doubt for doubt in found.doubts)


@needs_compiler
def test_too_many_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "MOST_INSTRUCTIONS", 5)
    found = examined(whole(), [Release("5.9")])
    assert found.doubts == ["It cannot be read: it has more than 5 instructions."]


def test_many_false_beginnings() -> None:
    header = struct.pack("<4sBBB9xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 1, 247, 1, *[0] * 10)
    bounded(b"#" + header * 5000)


@needs_compiler
def test_a_function_that_calls_itself() -> None:
    """No kernel loads it, and the check ends."""
    image = bytearray(whole())
    of = objects.read(bytes(image))
    (entry,) = (function for function in of.functions if function.name == "entry")
    first = Code(of).body(entry).insns[0]
    (table,) = struct.unpack_from("<Q", image, 40)
    (offset,) = struct.unpack_from("<Q", image, table + 64 * entry.section + 24)
    struct.pack_into("<BBhi", image, offset + first.at, 0x85, 0x10, 0, -1)
    found = examined(bytes(image), [Release("5.9")])
    assert any("could not be followed to its end" in doubt for doubt in found.doubts)
