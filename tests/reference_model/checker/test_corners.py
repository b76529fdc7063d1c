# SPDX-License-Identifier: GPL-2.0-only
"""Code and declarations that few programs have: each is read, or named as what cannot be read."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support_objects import COUNT, MAP, answers, compiled, examined, needs_compiler, pages

from reference_model.checker import Malformed, document, elf, objects, report
from reference_model.checker.code import Code
from reference_model.checker.flow import Behaviour, behaviour
from reference_model.releases import Release
from reference_model.special_fields import kinds, special_fields_in
from reference_model.values import KPTR

pytestmark = needs_compiler

GET = "bpf_get_local_storage(&counts, 0)"
LOST = "update_concurrently"
INNER = "static __attribute__((noinline))"
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


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ("v[skb->len & 7] += 1;", True),
        ("__u64 *at = v + (skb->len & 3); at[2] += 1;", True),
        ("v[skb->len & 7] = v[skb->hash & 7] + 1;", False),
        ("__u64 *at = v + (skb->len & 3); at[2] = at[1] + 1;", False),
        ("__sync_fetch_and_add(&v[skb->len & 7], 1);", False),
    ],
)
def test_a_number_at_an_index_is_changed(change: str, lost: bool) -> None:
    found = examined(compiled(WIDE + program(f"__u64 *v = {GET}; {change} return 1;")))
    why = [one.why for one in found.findings if LOST in one.page]
    said = "The program count reads, changes and writes 8 bytes at an index of the map counts "
    assert [one.startswith(said) for one in why] == [True] * lost
    assert found.doubts == []


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


def test_a_pointer_that_a_function_writes_into_the_stack_of_its_caller() -> None:
    callee = f"static __attribute__((noinline)) void get(__u64 **out) {{ *out = {GET}; }}"
    (doubt,) = examined(
        compiled(MAP + program("__u64 *v; get(&v); *v += 1; return 1;", callee))
    ).doubts
    assert doubt == "The code of the program count could not be followed to its end."


def test_what_a_function_writes_into_the_stack_of_its_caller_is_forgotten() -> None:
    callee = """
    struct context { __u64 *v, *other; };
    static __attribute__((noinline)) int add(struct context *c)
    { c->v = c->other; barrier(); *c->v += 1; return 1; }
    """
    body = f"__u64 other = 0; struct context c = {{ {GET}, &other }}; return add(&c);"
    assert LOST not in pages(examined(compiled(MAP + program(body, callee))))


RETURNS = {
    "skb->len & 1": ["4.19-7.3 ok"],
    "skb->len & 3": ["4.19-5.2 EINVAL", "5.3-7.3 ok"],
    "*v >> 63": ["4.19-7.3 ok"],
    "*v & 1": ["4.19-7.3 ok"],
    "__sync_fetch_and_add(v, 1) ? 1 : 0": ["4.19-7.3 ok"],
}
"""Kernels accept 0 and 1, and for this hook since 5.3 also 2 and 3."""


@pytest.mark.parametrize("value", RETURNS)
def test_a_range_of_return_values(value: str) -> None:
    found = examined(compiled(MAP + program(f"__u64 *v = {GET}; return {value};")))
    assert answers(found) == RETURNS[value]
    assert found.doubts == []


def test_a_return_value_that_is_not_known() -> None:
    found = examined(compiled(MAP + program(f"__u64 *v = {GET}; return skb->len;")))
    assert [span.refusal.error for span in found.spans if span.refusal] == [None]
    said = report.text([found], [])
    assert "Whether it loads on 4.19 to 7.3 is not known: the kernel checks what it returns" in said
    assert "on none of the releases" not in said


def test_flags_that_are_not_known() -> None:
    found = examined(
        compiled(MAP + program(f"__u64 *v = {GET.replace('0', 'skb->len')}; return *v & 1;"))
    )
    (doubt,) = found.doubts
    assert doubt.startswith("The flags of bpf_get_local_storage() in the program count at <stdin>:")
    assert "Whether it loads on Linux 4.19 to 7.3 cannot be told." in report.text([found], [])
    assert document.document([found], [], [])["objects"][0]["loads"][0]["loads"] is None


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


@pytest.mark.parametrize("section", ["freplace/other", "cgroup/unknown"])
def test_a_section_that_does_not_tell_the_type(section: str) -> None:
    """A program that extends another one takes its type."""
    found = examined(compiled(MAP + COUNT.replace("cgroup_skb/egress", section)))
    assert found.doubts[0].startswith(
        f"The section {section} does not tell the type of the program"
    )
    assert not found.affected


def test_a_hook_that_is_not_known() -> None:
    section = "lsm_cgroup/no_such_hook"
    (doubt,) = examined(compiled(MAP + COUNT.replace("cgroup_skb/egress", section))).doubts
    assert doubt.startswith("Which kernels have the LSM hook no_such_hook is unknown")


def test_what_another_function_returns_is_known_if_it_is_static() -> None:
    """Kernels verify the others by themselves: 5.10, 6.1, 6.12 and 7.3 reject this program."""
    callee = f"__attribute__((noinline)) int get(void) {{ __u64 *v = {GET}; return *v & 1; }}"
    found = examined(compiled(MAP + program("return get();", callee)))
    assert [span.refusal.error for span in found.spans if span.refusal] == [None]
    for hidden in ("static ", '__attribute__((visibility("hidden"))) '):
        assert examined(compiled(MAP + program("return get();", hidden + callee))).doubts == []


def test_a_static_map() -> None:
    """libbpf.c: "unsupported map linkage"."""
    (doubt,) = examined(compiled(MAP.replace("struct", "static struct", 1) + COUNT)).doubts
    assert doubt == "The map counts is static, and libbpf rejects such objects."


def test_a_static_function_outside_of_text() -> None:
    """libbpf.c: "program '%s' is static and not supported"."""
    static = (
        f'SEC("cgroup_skb/egress") static int inner(void) {{ __u64 *v = {GET}; return *v & 1; }}'
    )
    found = examined(compiled(MAP + program("return inner();", static.replace("static", INNER))))
    assert found.doubts == [
        "The function inner is static and outside of .text, and libbpf rejects such objects."
    ]


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


OUTER = """
struct inner {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__uint(key_size, 16);
	__type(value, __u64);
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps");
"""


@pytest.mark.parametrize("kind", ["ARRAY_OF_MAPS", "HASH_OF_MAPS"])
def test_an_inner_map(kind: str) -> None:
    """Libbpf creates it before the map of maps, which kernels then reject: create.no-inner-map."""
    found = examined(compiled(OUTER.replace("ARRAY_OF_MAPS", kind) + program("return 1;")))
    assert [one.name for one in found.maps] == ["outer.inner"]
    assert answers(found) == ["4.19-7.3 ENOTSUPP"]
    assert found.spans[0].refusal
    assert found.spans[0].refusal.step == "map outer"


def test_an_inner_map_of_another_type() -> None:
    other = OUTER.replace("CGROUP_STORAGE", "HASH")
    assert examined(compiled(other + MAP + COUNT)).doubts == []
    nested = OUTER.replace("__type(value, __u64);", "__array(values, struct inner);")
    (doubt,) = examined(compiled("struct inner;" + nested + MAP + COUNT)).doubts
    assert doubt == "The map outer cannot be read: its inner map is a map of maps."


def test_the_only_map_cannot_be_read() -> None:
    """Clang does not describe a type that only an inner map names; libbpf rejects the object."""
    key = "struct bpf_cgroup_storage_key"
    declared = OUTER.replace("__uint(key_size, 16)", f"__type(key, {key})")
    (doubt,) = examined(compiled(declared + program("return 1;"))).doubts
    assert doubt.startswith("The map outer cannot be read: ")


def test_an_object_without_symbols(tmp_path: Path) -> None:
    (tmp_path / "one.o").write_bytes(compiled(MAP + COUNT))
    subprocess.run(["llvm-objcopy", "--strip-all", str(tmp_path / "one.o")], check=True)
    (doubt,) = examined((tmp_path / "one.o").read_bytes()).doubts
    assert doubt.startswith("It cannot be read: its table of symbols was removed")


def test_a_pointer_of_the_kernel_in_a_value() -> None:
    text = "struct task_struct; struct value { __u64 n; struct task_struct KPTR *task; };"
    kptr = text.replace("KPTR", '__attribute__((btf_type_tag("kptr")))')
    declared = MAP.replace("value, __u64", "value, struct value")
    of = objects.read(compiled(kptr + declared + COUNT))
    found = of.maps[0].value
    if found is None or not kinds(found):
        pytest.skip("this clang writes no type tags")
    assert special_fields_in(found, Release("latest").has) == ((KPTR, (8, 8)),)
