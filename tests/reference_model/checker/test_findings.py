# SPDX-License-Identifier: GPL-2.0-only
"""What a program does with its maps, followed through its code, and the pages that it concerns."""

from __future__ import annotations

import pytest
from support_objects import COUNT, MAP, answers, compiled, examined, needs_compiler, pages

from reference_model import Release
from reference_model.checker.examine import Examined

pytestmark = needs_compiler

LOST = "update_concurrently"
INTERRUPTED = "percpu_cgroup_storageuse-the-map-in-a-program"
PER_CPU = MAP.replace("CGROUP", "PERCPU_CGROUP")
LOCKED = """
struct value { __u64 packets; struct bpf_spin_lock lock; };
""" + MAP.replace("value, __u64", "value, struct value")


def skb(body: str, name: str = "count", section: str = "cgroup_skb/egress") -> str:
    """A program with this body."""
    return f'SEC("{section}") int {name}(struct __sk_buff *skb) {{ {body} }}\n'


GET = "__u64 *v = bpf_get_local_storage(&counts, 0);"


def check(*texts: str, releases: list[Release] | None = None) -> Examined:
    data = compiled("".join(texts))
    return examined(data, releases) if releases else examined(data)


def why(found: Examined, page: str) -> list[str]:
    return [one.why for one in found.findings if page in one.page]


# -- lost updates ----------------------------------------------------------------------------------

CALLEE = "static __attribute__((noinline)) void add(__u64 *v) { *v += 1; }\n"
CONTEXT = """
struct context { int calls; __u64 *v; };
static __attribute__((noinline)) int each(__u32 n, struct context *c) { *c->v += 1; return 0; }
static long (*loop)(__u32, void *, void *, __u64) = (void *)181;
"""
LOOP = "for (int i = 0; i < 4; i++) { barrier_var(i); __sync_fetch_and_add(v, i); }"


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        (MAP + skb(f"{GET} *v += 1; return 1;"), True),
        (MAP + skb(f"{GET} *v = *v * 3 + skb->len; return 1;"), True),
        (MAP + skb(f"{GET} if (*v < 9) *v = *v + 1; return 1;"), True),
        (MAP + skb(f"{GET} __u64 n = *v & 7; *v = n | skb->len; return 1;"), True),
        (MAP + CALLEE + skb(f"{GET} add(v); return 1;"), True),
        (MAP + CONTEXT + skb(f"{GET} struct context c = {{ 0, v }}; return each(0, &c);"), True),
        (
            MAP
            + CONTEXT
            + skb(f"{GET} struct context c = {{ 0, v }}; loop(9, each, &c, 0); return 1;"),
            True,
        ),
        (MAP + skb(f"{GET} *v = skb->len; return 1;"), False),
        (MAP + skb(f"{GET} *v = 7; return *v < 9;"), False),
        (MAP + skb(f"{GET} __sync_fetch_and_add(v, *v); return 1;"), False),
        (MAP + skb(f"{GET} {LOOP} return 1;"), False),
        (PER_CPU + skb(f"{GET} *v += 1; return 1;"), False),
    ],
    ids=[
        *("add", "mix", "branch", "mask", "callee", "struct", "callback"),
        *("store", "constant", "atomic", "loop", "per-cpu"),
    ],
)
def test_a_lost_update_is_found(text: str, lost: bool) -> None:
    found = check(text)
    assert (LOST in pages(found)) == lost
    assert found.affected == (lost or "PERCPU" in text)
    assert all(behaviour.complete for behaviour in found.programs.values())


@pytest.mark.parametrize(
    ("body", "lost"),
    [
        ("*v += 1;", True),
        ("*v = *v * 3 + skb->len;", True),
        ("__sync_fetch_and_add(v, 1);", False),
        ("*v = skb->len;", False),
    ],
)
def test_an_interruption_loses_an_update_of_a_percpu_value(body: str, lost: bool) -> None:
    """On every release: percpu_cgroup_storage.rst, "Use the map in a program"."""
    found = check(PER_CPU + skb(f"{GET} {body} return 1;"))
    assert (INTERRUPTED in pages(found)) == lost
    assert LOST not in pages(found)
    lost_ones = [one for one in found.findings if one.kind == "fault"]
    assert [one.why for one in lost_ones] == lost * [
        "The program count reads, changes and writes bytes 0 to 7 of the map counts without an "
        "atomic operation. A run that interrupts it on the same CPU, such as in a softirq, loses "
        "its update."
    ]


@pytest.mark.parametrize(
    ("body", "lost"),
    [
        ("bpf_spin_lock(&v->lock); v->packets++; bpf_spin_unlock(&v->lock);", False),
        ("bpf_spin_lock(&v->lock); add(v); bpf_spin_unlock(&v->lock);", False),
        ("bpf_spin_lock(&v->lock); bpf_spin_unlock(&v->lock); v->packets++;", True),
        ("v->packets++;", True),
    ],
    ids=["inside", "callee", "behind", "without"],
)
def test_a_lock_protects_what_is_inside(body: str, lost: bool) -> None:
    get = GET.replace("__u64", "struct value")
    callee = CALLEE.replace("__u64 *v", "struct value *v").replace("*v +", "v->packets +")
    found = check(LOCKED, callee, skb(f"{get} {body} return 1;"))
    assert (LOST in pages(found)) == lost
    assert [doubt[:41] for doubt in found.doubts] == [
        "The program count calls a function at <st"
    ] * ("add(" in body)
    assert "values_may_hold_a_spin_lock" in pages(found)
    assert answers(found)[0] == ("4.19-5.0 EINVAL" if "lock" in body else "4.19-7.3 ok")


def test_a_lock_in_a_value_of_another_map() -> None:
    other = (
        LOCKED.replace("CGROUP_STORAGE", "ARRAY")
        .replace("counts", "locks")
        .replace("struct bpf_cgroup_storage_key", "__u32")
    )
    body = (
        f"{GET} __u32 key = 0; struct value *l = bpf_map_lookup_elem(&locks, &key);"
        " if (!l) return 1; bpf_spin_lock(&l->lock); *v += 1; bpf_spin_unlock(&l->lock); return 1;"
    )
    assert LOST not in pages(check(other, MAP, skb(body)))


def test_a_lock_inside_another_struct() -> None:
    """``python -m conformance objects`` shows it: 6.1 rejects the program, 6.12 loads it."""
    text = LOCKED.replace("struct bpf_spin_lock lock;", "struct { struct bpf_spin_lock lock; } in;")
    get = GET.replace("__u64", "struct value")
    lock = "bpf_spin_lock(&v->in.lock); bpf_spin_unlock(&v->in.lock);"
    (doubt,) = check(text, skb(f"{get} {lock} return 1;")).doubts
    assert doubt.startswith("The lock in a value of the map counts is inside another struct.")
    assert check(text, skb(f"{get} return v->packets < 9;")).doubts == []


def test_a_lock_in_a_per_cpu_map() -> None:
    """Libbpf creates the map without BTF, and then the verifier finds no lock."""
    get = GET.replace("__u64", "struct value")
    lock = "bpf_spin_lock(&v->lock); bpf_spin_unlock(&v->lock);"
    found = check(LOCKED.replace("CGROUP", "PERCPU_CGROUP"), skb(f"{get} {lock} return 1;"))
    assert answers(found)[1:] == ["4.20-5.0 EINVAL", "5.1-6.1 EACCES", "6.2-7.3 EINVAL"]


def test_the_sentence_names_the_bytes_and_the_line() -> None:
    pair = "struct pair { __u32 a, b; };" + MAP.replace("__u64", "struct pair")
    get = GET.replace("__u64", "struct pair")
    found = check(pair, skb(f"{get}\nv->b += 1;\nreturn 1;"))
    (finding,) = (one for one in found.findings if LOST in one.page)
    assert "bytes 4 to 7 of the map counts" in finding.why
    assert finding.places[0].startswith("<stdin>:")


# -- returns, flags, helpers -----------------------------------------------------------------------


def test_a_program_that_always_denies() -> None:
    found = check(MAP, skb(f"{GET} __sync_fetch_and_add(v, 1); return 0;"))
    assert why(found, "load.return-value") == [
        "The program count returns 0 on every path, so it denies every operation."
    ]
    assert found.affected


@pytest.mark.parametrize("body", ["return *v < 9;", "if (*v) return 0; return 1;", "return *v;"])
def test_a_program_that_sometimes_denies(body: str) -> None:
    assert pages(check(MAP, skb(GET + body))) == set()


def test_returns_of_2_and_3() -> None:
    found = check(MAP, skb(f"{GET} return *v ? 3 : 2;"))
    assert pages(found) == {"programs_may_return_2_and_3"}
    assert answers(found) == ["4.19-5.2 EINVAL", "5.3-7.3 ok"]


def test_a_return_value_that_no_kernel_allows() -> None:
    assert answers(check(MAP, skb(f"{GET} return 7;"))) == ["4.19-7.3 EINVAL"]


def test_flags_of_the_helper() -> None:
    found = check(MAP, skb("__u64 *v = bpf_get_local_storage(&counts, 1); return *v < 9;"))
    assert pages(found) == {"map_cgroup_storagerule-helper.flags"}
    assert answers(found) == ["4.19-7.3 EINVAL"]


LOOKUP = "__u64 key[2] = {}; void *v = bpf_map_lookup_elem(&counts, key); return !!v;"


def test_another_helper_on_the_map() -> None:
    found = check(MAP, skb(LOOKUP))
    assert pages(found) == {"map_cgroup_storagerule-helper.only"}
    assert answers(found) == ["4.19-7.3 EINVAL"]


def test_the_helper_on_another_map() -> None:
    other = MAP.replace("CGROUP_STORAGE", "ARRAY")
    found = check(other, skb(f"{GET} return *v < 9;"))
    assert pages(found) == {"map_cgroup_storagerule-helper.only"}
    assert answers(found) == ["4.19-7.3 EINVAL"]


def test_a_program_of_another_type() -> None:
    found = check(MAP, skb(f"{GET} return *v < 9;", section="xdp"))
    assert answers(found) == ["4.19-7.3 EINVAL"]
    found = check(MAP, skb(f"{GET} return *v < 9;", section="tc"))
    assert answers(found) == ["4.19-7.3 EINVAL"]


def test_a_section_that_tells_no_type() -> None:
    found = check(MAP, skb(f"{GET} return *v < 9;", section="mine"))
    assert found.doubts == [
        "The section mine does not tell the type of the program count, so whether it loads is "
        "unknown: user space sets the type."
    ]


def test_a_program_that_is_not_loaded_by_itself() -> None:
    second = skb(f"{GET} return *v < 9;", "second", "?cgroup_skb/egress")
    found = check(MAP, COUNT, second)
    assert answers(found) == ["4.19-7.3 ok"]
    assert pages(found) == {"second_program_may_use_the_map"}


# -- maps and how they are shared ------------------------------------------------------------------

SIZES = MAP.replace("__type(key, struct bpf_cgroup_storage_key)", "__uint(key_size, KEY)").replace(
    "__type(value, __u64)", "__uint(value_size, VALUE)"
)


def sized(key: int, value: int) -> str:
    return SIZES.replace("KEY", str(key)).replace("VALUE", str(value))


@pytest.mark.parametrize(
    ("key", "value", "said", "named"),
    [
        (8, 8, ["4.19-5.8 EINVAL", "5.9-7.3 ok"],
         {"eight_byte_keys_need_5_9", "one_object_for_all_kernels"}),
        (12, 8, ["4.19-7.3 EINVAL"], set()),
        (16, 0, ["4.19-7.3 EINVAL"], set()),
        (16, 8192, ["4.19-5.14 E2BIG", "5.15-7.3 ok"], {"values_may_exceed_a_page"}),
        (16, 65408, ["4.19-7.3 E2BIG"], {"values_may_exceed_a_page"}),
    ],
)  # fmt: skip
def test_sizes(key: int, value: int, said: list[str], named: set[str]) -> None:
    found = check(sized(key, value), skb("bpf_get_local_storage(&counts, 0); return 1;"))
    assert answers(found) == said
    assert pages(found) == named


def test_an_access_beyond_the_value() -> None:
    found = check(sized(16, 8), skb(f"{GET} return v[1] < 9;"))
    assert answers(found) == ["4.19-7.3 EACCES"]


@pytest.mark.parametrize(("add", "said"), [
    ("__sync_fetch_and_add((__u64 *)((char *)v + 4), 1);", "EACCES"),
    ("__sync_fetch_and_add((__u32 *)v + 1, 1);", "ok"),
    ("*(__u64 *)((char *)v + 4) += 1;", "ok"),
])  # fmt: skip
def test_an_atomic_addition_to_a_misaligned_number(add: str, said: str) -> None:
    found = check(sized(16, 16), skb(f"{GET} {add} return 1;"))
    assert answers(found) == [f"4.19-7.3 {said}"]


def test_attach_types_that_share_an_8_byte_key() -> None:
    text = sized(8, 8) + skb(f"{GET} return *v < 9;", "out") + skb(
        f"{GET} return *v < 9;", "in", "cgroup_skb/ingress")  # fmt: skip
    assert "attach_types_share_with_8_byte_keys" in pages(check(text))
    assert "attach_types_share_with_8_byte_keys" not in pages(
        check(sized(8, 8), skb(f"{GET} return *v < 9;"))
    )


def test_a_map_is_shared_through_a_function() -> None:
    """The functions that a program calls belong to it."""
    callee = f"static __attribute__((noinline)) int get(void) {{ {GET} return *v < 9; }}\n"
    found = check(MAP, callee, skb("return get();", "one"), skb("return get() & 1;", "two"))
    assert pages(found) == {"second_program_may_use_the_map"}
    assert answers(found) == ["4.19-5.8 EBUSY", "5.9-7.3 ok"]


def test_max_entries_and_flags() -> None:
    assert answers(check(MAP.replace("__type(key", "__uint(max_entries, 1); __type(key"),
                         COUNT)) == ["4.19-7.3 EINVAL"]  # fmt: skip
    flags = MAP.replace("__type(key", "__uint(map_flags, BPF_F_NO_PREALLOC); __type(key")
    assert answers(check(flags, COUNT)) == ["4.19-7.3 EINVAL"]


def test_a_lock_and_a_read_only_map() -> None:
    flags = LOCKED.replace("__type(key", "__uint(map_flags, BPF_F_WRONLY_PROG); __type(key")
    found = check(flags, skb("bpf_get_local_storage(&counts, 0); return 1;"))
    assert {"spin_lock_forbids_read_only", "maps_can_be_read_only"} <= pages(found)


HASH = MAP.replace("CGROUP_STORAGE", "HASH").replace("struct bpf_cgroup_storage_key", "__u64")


def test_a_hash_by_cgroup_id() -> None:
    body = "__u64 id = bpf_skb_cgroup_id(skb); return !!bpf_map_lookup_elem(&counts, &id);"
    found = check(HASH, skb(body))
    assert pages(found) == {"from_hash_by_cgroup_id"}
    assert not found.affected
    assert found.spans == []
    assert pages(check(HASH, skb(body.replace("bpf_skb_cgroup_id(skb)", "skb->len")))) == set()


# -- tail calls ------------------------------------------------------------------------------------

JUMPS = """
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 2);
	__array(values, int());
} jumps SEC(".maps") SLOTS;
"""
OTHERS = MAP.replace("counts", "others")
USES_OTHERS = GET.replace("counts", "others") + " return *v < 9;"
JUMP = "bpf_tail_call(skb, &jumps, 0); return 1;"
ENTRY = skb(f"{GET} bpf_tail_call(skb, &jumps, 0); return *v < 9;", "entry")


def test_static_slots_are_tried_on_the_model() -> None:
    slots = JUMPS.replace("SLOTS", "= { .values = { [1] = (void *)&callee } }")
    text = MAP + OTHERS + "int callee(struct __sk_buff *skb);" + slots
    found = check(text, skb(USES_OTHERS, "callee"), ENTRY)
    assert "tail_calls_compare_maps" in pages(found)
    assert answers(found) == ["4.19-6.16 ok", "6.17-7.3 EINVAL"]
    refused = found.spans[-1].refusal
    assert refused is not None
    assert refused.step == "program callee in slot 1 of jumps"


def test_a_program_outside_the_slots_does_not_count() -> None:
    slots = JUMPS.replace("SLOTS", "= { .values = { [0] = (void *)&callee } }")
    text = MAP + OTHERS + "int callee(struct __sk_buff *skb);" + slots
    found = check(text, skb("return 1;", "callee"), skb(USES_OTHERS, "apart"), ENTRY)
    assert pages(found) == set()


@pytest.mark.parametrize(("body", "named"), [("return 1;", False), (JUMP, True)])
def test_a_program_without_a_map_in_the_array(body: str, named: bool) -> None:
    """It may be there if it makes no tail calls itself."""
    found = check(MAP, JUMPS.replace("SLOTS", ""), ENTRY, skb(body, "plain"))
    assert ("tail_calls_compare_maps" in pages(found)) == named


def test_attach_types_of_a_program_array() -> None:
    found = check(MAP, JUMPS.replace("SLOTS", ""), ENTRY, skb("return 1;", "any", "cgroup/skb"))
    assert pages(found) == {"tail_calls_compare_attach_types"}
    assert "[cgroup/skb]" in why(found, "tail_calls")[0]


# -- the releases in question ----------------------------------------------------------------------


def test_a_change_before_the_oldest_release_does_not_count() -> None:
    text = MAP + COUNT + skb(f"{GET} return *v < 9;", "second")
    newer = [Release("6.1"), Release("6.12")]
    assert check(text).affected
    found = check(text, releases=newer)
    assert not found.affected
    assert found.findings == []
    assert "reattach_keeps_data" not in found.user_space
    assert "reattach_keeps_data" in check(text).user_space


def test_an_lsm_hook_between_two_kernels_that_differ() -> None:
    text = MAP + skb(f"{GET} return *v < 9;", "count", "lsm_cgroup/file_truncate")
    found = check(text)
    assert any("is not known" in doubt for doubt in found.doubts)
