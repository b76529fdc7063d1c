# SPDX-License-Identifier: GPL-2.0-only
"""Code and declarations that few programs have: each is read, or named as what cannot be read."""

from __future__ import annotations

import pytest
from support_objects import COUNT, MAP, answers, compiled, examined, needs_compiler, pages

from reference_model.checker import Malformed, elf, objects
from reference_model.checker.code import Code
from reference_model.checker.flow import Behaviour, behaviour
from reference_model.releases import Release
from reference_model.special_fields import kinds, special_fields_in
from reference_model.values import KPTR

pytestmark = needs_compiler

GET = "bpf_get_local_storage(&counts, 0)"
LOST = "update_concurrently"
WIDE = "struct wide { __u64 v[8]; };" + MAP.replace("value, __u64", "value, struct wide")


def program(body: str, before: str = "") -> str:
    return f'{before}\nSEC("cgroup_skb/egress") int count(struct __sk_buff *skb) {{ {body} }}\n'


def seen(text: str) -> Behaviour:
    """What the only program of an object does."""
    of = objects.read(compiled(text))
    (one,) = of.programs
    return behaviour(of, Code(of), one)


# -- code ------------------------------------------------------------------------------------------


def test_an_index_that_is_not_known() -> None:
    """A pointer that was moved by an unknown number still points into the value."""
    found = seen(WIDE + program(f"__u64 *v = {GET}; v[skb->len & 7] = 1; return 1;"))
    ((access,),) = [[one for one in found.accesses if one.writes]]
    assert (access.map.name, access.offset, access.lost) == ("counts", None, False)


def test_two_pointers_that_meet() -> None:
    body = f"__u64 *v = {GET}; __u64 *at = skb->len & 1 ? v : v + 3; barrier_var(at); *at = 7;"
    found = seen(WIDE + program(f"{body} return 1;"))
    assert found.complete
    assert {access.map.name for access in found.accesses} == {"counts"}


def test_a_number_of_two_places() -> None:
    """It is lost whichever of them it is written to."""
    body = f"__u64 *v = {GET}; __u64 n = skb->len & 1 ? v[0] + 1 : v[1] + 1; v[1] = n;"
    assert LOST in pages(examined(compiled(WIDE + program(f"{body} return 1;"))))


def test_a_negated_number_is_changed() -> None:
    body = f"__u64 *v = {GET}; *v = -*v; return 1;"
    assert LOST in pages(examined(compiled(MAP + program(body))))


SPILL = """
__u64 *v = bpf_get_local_storage(&counts, 0);
__u64 *volatile kept = v;
bpf_get_prandom_u32();
*kept = *kept + 1;
return 1;
"""


def test_a_pointer_that_is_kept_on_the_stack() -> None:
    assert LOST in pages(examined(compiled(MAP + program(SPILL))))


def test_a_slot_that_is_written_in_part() -> None:
    body = SPILL.replace("bpf_get_prandom_u32();", "*(volatile char *)&kept = 0;")
    found = seen(MAP + program(body))
    assert found.complete
    assert found.accesses == {}


def test_a_function_that_is_called_twice() -> None:
    callee = "static __attribute__((noinline)) int get(void) { return bpf_get_prandom_u32() & 1; }"
    body = f"__u64 *v = {GET}; return get() + get() + (*v < 9) > 1;"
    assert seen(MAP + program(body, callee)).complete


def test_a_function_of_the_kernel() -> None:
    kernel = 'extern void bpf_rcu_read_lock(void) __attribute__((section(".ksyms")));'
    found = seen(MAP + program(f"bpf_rcu_read_lock(); __u64 *v = {GET}; return *v < 9;", kernel))
    assert found.complete
    assert [one.name for one in found.storages] == ["counts"]


def test_a_callback() -> None:
    """A function whose address a helper gets belongs to the program."""
    callee = f"static int each(__u32 n, void *c) {{ __u64 *v = {GET}; *v += 1; return 0; }}"
    body = "static long (*loop)(__u32, void *, void *, __u64) = (void *)181;"
    found = seen(MAP + program(f"{body} loop(4, each, 0, 0); return 1;", callee))
    assert [one.name for one in found.storages] == ["counts"]
    assert any(access.lost for access in found.accesses)


def test_global_variables() -> None:
    """Their sections take no room in the file, or are no map of the object."""
    text = "static volatile __u64 seen; const volatile int on = 1;" + MAP
    found = seen(text + program(f"__u64 *v = {GET}; if (on) seen++; return *v < 9;"))
    assert [one.name for one in found.mentions] == ["counts"]
    assert found.complete


@pytest.mark.parametrize("cpu", ["v1", "v2", "v3"])
def test_every_instruction_set(cpu: str) -> None:
    body = f"__u64 *v = {GET}; int n = skb->len; if (n < 7) return 0; *v += n; return 1;"
    data = compiled(MAP + program(body), "-g", f"-mcpu={cpu}")
    found = examined(data)
    assert LOST in pages(found)
    assert found.doubts == []


# -- declarations ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "doubt"),
    [
        (
            "struct { __uint(key_size, 16); __uint(value_size, 8); } counts SEC(\".maps\");",
            "The map counts cannot be read: its declaration has no type.",
        ),
        (
            "struct { int *type; __uint(value_size, 8); } counts SEC(\".maps\");",
            "The map counts cannot be read: a number of its declaration is no pointer to an array.",
        ),
        (
            "struct { __uint(type, 19); __u64 key; } counts SEC(\".maps\");",
            "The map counts cannot be read: its key is no pointer to a type.",
        ),
        (
            "struct { char type[3]; } counts SEC(\".maps\");",
            "The map counts cannot be read: a number of its declaration has no value.",
        ),
        (
            "struct unknown; struct { __uint(type, 19); struct unknown *value; }"
            " counts SEC(\".maps\");",
            "has no size.",
        ),
    ],
)  # fmt: skip
def test_a_declaration_that_cannot_be_read(declared: str, doubt: str) -> None:
    (found,) = examined(compiled(declared + COUNT)).doubts
    assert found.endswith(doubt)


def test_a_legacy_map_that_is_too_short() -> None:
    text = 'struct one { int type; }; struct one SEC("maps") counts = { 19 };'
    with pytest.raises(Malformed, match="the map counts has 4 bytes, less than 20"):
        objects.read(compiled(text + COUNT))


def test_a_map_that_btf_does_not_describe() -> None:
    """Its name in the table of symbols is another one."""
    data = compiled(MAP + COUNT)
    section = elf.read(data).section(".BTF")
    assert section is not None
    types = section.data.replace(b"\0counts\0", b"\0others\0")
    found = examined(data.replace(section.data, types))
    assert found.doubts == ["The BTF does not describe the map counts."]


KEYS = {
    "struct { __u64 id; enum { A } type; }": ["4.19-7.3 ok"],
    "struct { char id[8]; char type[8]; }": ["4.19-7.3 ok"],
    "struct { __u64 id; __u32 type; char pad[4]; }": ["4.19-7.3 ok"],
    "struct __attribute__((packed)) { __u64 id; __u32 type; }": ["4.19-7.3 EINVAL"],
    "__int128": ["4.19-7.3 ok"],
}
"""Kernels reject the BTF of these keys, and then libbpf creates the map without BTF."""


@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_another_shape(key: str) -> None:
    other = f"typedef {key} other_key;" + MAP.replace("struct bpf_cgroup_storage_key", "other_key")
    found = examined(compiled(other + COUNT))
    assert answers(found) == KEYS[key]
    assert "btf_is_accepted" in pages(found)


def test_a_pointer_of_the_kernel_in_a_value() -> None:
    text = "struct task_struct; struct value { __u64 n; struct task_struct KPTR *task; };"
    kptr = text.replace("KPTR", '__attribute__((btf_type_tag("kptr")))')
    declared = MAP.replace("value, __u64", "value, struct value")
    of = objects.read(compiled(kptr + declared + COUNT))
    found = of.maps[0].value
    if found is None or not kinds(found):
        pytest.skip("this clang writes no type tags")
    assert special_fields_in(found, Release("latest").has) == ((KPTR, (8, 8)),)
