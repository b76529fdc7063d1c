# SPDX-License-Identifier: GPL-2.0-only
"""Random sequences of all operations of the trace format, by Hypothesis.

A machine makes one sequence an example.  Each step runs on the model at once, which shows what
lives and so what can be asked next; a step that the model calls undefined is dropped.  At the end
``finish`` gets the whole sequence.  Arguments are biased so that operations meet: a few cgroups, a
few maps, small values, and the flags that mean something.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from reference_model import Kernel, UndefinedBehaviour
from reference_model.events import ON_SOCKET as HOOKS_ON_SOCKET
from reference_model.programs import ATTACH_TYPES as TYPES
from reference_model.state import CAPABILITIES
from reference_model.steps import CgroupOf
from reference_model.traces import ATTACH_TYPES, GARBAGE, OPERATIONS, Answer, Op, Replayer, names
from reference_model.traces.names import ATTACH_NAMES, COMMANDS, DESCRIPTORS, LETTERS, PROG_TYPES

MULTI, REPLACE = 2, 4

USUAL = (
    *["egress"] * 8,
    *["ingress"] * 3,
    *("sock_create", "bind4", "connect4", "getsockopt", "setsockopt"),
)
"""What a process does most of the time, by the hook that it passes on purpose."""

EVENTS = tuple(names.EVENTS)
ON_SOCKET = tuple(name for name, hook in names.EVENTS.items() if hook in HOOKS_ON_SOCKET)
TYPE_OF = {
    name: next(word for word, kind in PROG_TYPES.items() if kind is TYPES[attach_type][0])
    for name, attach_type in ATTACH_TYPES.items()
}
"""The program type of each attach type, by their names in the format."""
LSM_HOOKS = ("socket_create", "socket_bind", "socket_connect", "socket_sendmsg", "sk_getsecid")
"""The hooks of LSM programs: few, so that programs meet; the last one is void."""

PROGRAMS = (
    *[("cgroup_skb", None)] * 6,
    *[("cgroup_skb", "egress")] * 2,
    *(("cgroup_skb", "ingress"), ("cgroup_sock", None), ("cgroup_sock", "sock_create")),
    *(("cgroup_sock_addr", name) for name in ("bind4", "connect4", "sendmsg4")),
    *(("cgroup_sockopt", name) for name in ("getsockopt", "setsockopt")),
    *(("cgroup_sock_addr", None), ("cgroup_sock", "egress"), ("cgroup_skb", "connect4")),
    *((TYPE_OF[at], at) for at in ATTACH_TYPES if at != "lsm_cgroup"),
)
"""Types and expected attach types; the last ones do not go together."""

AT = {
    "cgroup_skb": ("egress", "egress", "ingress"),
    "cgroup_sock": ("sock_create",),
    "cgroup_sock_addr": ("bind4", "connect4", "sendmsg4"),
    "cgroup_sockopt": ("getsockopt", "setsockopt"),
}
"""Where programs of a type belong."""

KEY_SIZES = st.sampled_from([16] * 9 + [8] * 5 + [0, 4, 12, 17])
VALUE_SIZES = st.sampled_from([8] * 12 + [4] * 3 + [16, 12, 64] + [0, 1, 4096, 8192, 32769, 65536])
MAP_FLAGS = st.sampled_from([0] * 16 + [1, 2, 8, 16, 24, 64, 0x80, 0x100, 0x180, 0x400, 1 << 20])
MAX_ENTRIES = st.sampled_from([0] * 12 + [1, 100])
DESCRIBED = st.sampled_from(
    [
        (16, 16, "struct {u64; u32}", "struct {u64; u64}"),
        (16, 16, "struct {u64; u32}", "struct {u64; bpf_spin_lock}"),
        (16, 8, "struct {u64; u32}", "struct {u32; bpf_spin_lock}"),
        (16, 8, "struct {u64; u32}", "u64"),
        (16, 8, "struct {s64; s32}", "u64"),
        (16, 8, "struct {u64; enum}", "u64"),
        (16, 8, "struct {u64; u32; u32}", "u64"),
        (16, 8, "u64", "u64"),
        (16, 8, None, "u64"),
        (16, 8, "struct {u64; u32}", None),
        (8, 8, "u64", "u64"),
        (8, 8, "s64", "u64"),
        (8, 8, "struct {u64}", "u64"),
        (8, 16, "u64", "struct {u64; bpf_spin_lock}"),
        (16, 8, "struct {u64; u32}", "struct {u64; u64}"),
    ]
)
CGRP_MAPS = st.sampled_from(
    [(4, 8, 1, "s32", "u64")] * 5
    + [(4, 8, 1, "s32", "struct {u32; bpf_spin_lock}"), (4, 8, 0, "s32", "u64")]
    + [(8, 8, 1, "u64", "u64"), (4, 8, 1, "u32", "u64")]
)
FLAGS = st.sampled_from(
    [0] * 10 + [2] * 4 + [1, 3, 4, 6, 5, 8, 16, 8 | 1 << 32, 10 | 1 << 32, 8 | 9 << 32, 24, 1 << 20]
)
ATTACH_FLAGS = st.sampled_from(
    [MULTI] * 12
    + [MULTI | REPLACE] * 6
    + [0] * 4
    + [1] * 4
    + [3, 4, 8, 10, 18, 26, 34, 42, 64, 66, 70, 128, 1 << 13, MULTI | 1 << 13, 1 << 20]
)
AMOUNTS = st.sampled_from([1, 1, 2, 3, 5, 7, 100, (1 << 31) - 1, -1])
CPUS = st.sampled_from([0, 0, 1])
PATHS = st.sampled_from(["pin-a", "pin-b"])
USERS = st.sets(st.sampled_from(sorted(CAPABILITIES))).map(sorted)
SETUPS = st.sampled_from([{}] * 12 + [{"unprivileged_bpf_disabled": 0}, {"memlock": 1 << 15}])

MOST = {"c": 4, "m": 4, "g": 1, "a": 2, "p": 8, "l": 4, "s": 3}
"""At most so many live at a time: cgroups, storage maps, CGRP_STORAGE maps, program arrays,
programs, links, sockets."""


def some(kinds: str) -> st.SearchStrategy[str]:
    """The name of something that lives, of one of these kinds; ``i`` is any cgroup ever made."""
    return st.runner().flatmap(
        lambda machine: st.sampled_from([name for kind in kinds for name in machine.names[kind]])
    )


def maybe(kinds: str) -> st.SearchStrategy[str | None]:
    """The same or, if there is none or by chance, None."""
    return st.runner().flatmap(
        lambda machine: st.sampled_from(
            [None, *(name for kind in kinds for name in machine.names[kind])]
        )
    )


def needs(kinds: str, *, room: str = "") -> Callable[[Any], Any]:
    """Only while something of each kind lives, and there is room for another of a kind."""
    return precondition(
        lambda self: (
            all(self.names[kind] for kind in kinds)
            and all(len(self.names[kind]) < MOST[kind] for kind in room)
        )
    )


def seldom(what: str, times: int = 1) -> Callable[[Any], Any]:
    """Only as many times in a sequence: what it shows it shows at once."""
    return precondition(lambda self: self.made[what] < times)


class Enough(BaseException):
    """Ends a run of Hypothesis, which catches every Exception."""


class Sequences(RuleBasedStateMachine):
    """One sequence, on the model of one release or of several."""

    releases: ClassVar[tuple[str, ...]] = ("latest",)
    """A step must be defined on all of them; by the last one's answers the machine continues."""
    undefined: ClassVar[bool] = False
    """Whether a sequence ends with the first undefined step, instead of continuing without it."""
    census: ClassVar[Counter[tuple[str, str]]]
    """How often each operation got each answer."""

    def __init__(self) -> None:
        super().__init__()
        self.ops: list[Op] = []
        self.answers: list[Answer] = []
        """The answers of the last release."""
        self.setup: dict[str, int] = {}
        self.broken = ""
        """What is undefined about the last step, if it is."""
        self.names: dict[str, list[str]] = {kind: [] for kind in "cimgapls"}
        """What lives, by kind."""
        self.made: Counter[str] = Counter()
        self.belongs: dict[str, Sequence[str]] = {}
        """The attach types of each program."""
        self.pins: dict[str, str] = {}
        self.models = self._models()

    def finish(self) -> None:
        """What is done with the whole sequence."""

    def teardown(self) -> None:
        """At the end of an example."""
        if self.ops:
            self.finish()

    def _models(self) -> list[Replayer[Kernel]]:
        return [Replayer(Kernel(release, **self.setup)) for release in self.releases]

    # -- one operation ------------------------------------------------------------------------

    def do(self, kind: str, **given: Any) -> Answer:
        """Run an operation on the models; None if it is not for the kernels."""
        if self.broken:
            return None
        op = {"op": kind, **given}
        answer = None
        for number, model in enumerate(self.models):
            try:
                answer = model.answer(op)
            except UndefinedBehaviour as error:
                self.census[kind, "undefined"] += 1
                if self.undefined:
                    self.ops.append(op)
                    self.broken = str(error)
                elif number:  # the models before have done it
                    self.models = self._models()
                    for model in self.models:
                        for past in self.ops:
                            model.answer(past)
                return None
        self.ops.append(op)
        self.answers.append(answer)
        if answer == "ok":
            self.note(op)
        for model in self.models:
            model.kernel.check_invariants()
        self.census[kind, answer if isinstance(answer, str) else "answer"] += 1
        return answer

    def new(self, letter: str) -> str:
        self.made[letter] += 1
        return f"{letter}{self.made[letter]}"

    def note(self, op: Op) -> None:
        """Note which names an operation that succeeded made and ended."""
        operation = OPERATIONS[op["op"]]
        made, ended = operation.made(op), operation.ended(op)
        if made is not None:
            other = {"cgrp_storage": "g", "prog_array_create": "a"}
            kind = str(op.get("type", op["op"]))
            self.names[other.get(kind, made[0])].append(made)
        if made is not None and made[0] == "c":
            self.names["i"].append(made)
        for living in (self.names[letter] for letter in MOST):
            if ended in living:
                living.remove(ended)

    @initialize(
        setup=SETUPS,
        cgroups=st.integers(1, 3),
        kinds=st.lists(
            st.sampled_from(["cgroup_storage", "percpu_cgroup_storage"]), min_size=1, max_size=2
        ),
        progs=st.integers(1, 3),
    )
    def begin(self, setup: dict[str, int], cgroups: int, kinds: list[str], progs: int) -> None:
        """Begin with something that can be attached."""
        self.setup = setup
        self.models = self._models()
        for number in range(cgroups):
            self.mkdir(self.names["c"][0] if number == 1 else None)
        for kind in kinds:
            self.create(kind, 16, 8)
        for number in range(progs):
            if self.names["m"]:
                used = self.names["m"][number % len(self.names["m"])]
                self.load("cgroup_skb", None, body=["mix", number + 1], maps=[used])

    # -- cgroups, sockets, events -------------------------------------------------------------

    def mkdir(self, parent: str | None) -> None:
        label = self.new("c")
        self.do("mkdir", cgroup=label, parent=parent)

    @needs("", room="c")
    @rule(parent=maybe("c"))
    def make_cgroup(self, parent: str | None) -> None:
        self.mkdir(parent)

    @precondition(lambda self: len(self.names["c"]) > 1)
    @rule(cgroup=some("c"))
    def rmdir(self, cgroup: str) -> None:
        self.do("rmdir", cgroup=cgroup)

    @seldom("cgroup_ids")
    @needs("c")
    @rule(cgroup=some("c"))
    def cgroup_ids(self, cgroup: str) -> None:
        self.made["cgroup_ids"] += 1
        self.do("cgroup_ids", cgroup=cgroup)

    @seldom("object_ids")
    @rule(of=st.sampled_from(["map", "prog", "link"]))
    def object_ids(self, of: str) -> None:
        self.made["object_ids"] += 1
        self.do("object_ids", of=of)

    @seldom("obj_info")
    @rule(kind=st.sampled_from(DESCRIPTORS), number=st.integers(0, 9))
    def obj_info(self, kind: str, number: int) -> None:
        if names := self.names[LETTERS[kind]]:
            self.made["obj_info"] += 1
            self.do("obj_info", **{kind: names[number % len(names)]})

    @needs("c")
    @rule(cgroup=some("c"), event=st.sampled_from(USUAL), cpu=CPUS, times=st.integers(1, 2))
    def fire(self, cgroup: str, event: str, cpu: int, times: int) -> None:
        for _ in range(times):
            self.do("fire", cgroup=cgroup, event=event, cpu=cpu)

    @needs("c")
    @rule(cgroup=some("c"), event=st.sampled_from(EVENTS), cpu=CPUS)
    def fire_event(self, cgroup: str, event: str, cpu: int) -> None:
        self.do("fire", cgroup=cgroup, event=event, cpu=cpu)

    @needs("s")
    @rule(sock=some("s"), event=st.sampled_from(ON_SOCKET))
    def sock_event(self, sock: str, event: str) -> None:
        self.do("sock_send", sock=sock, event=event)

    @needs("cm", room="p")
    @seldom("lsm", 4)
    @rule(
        cgroup=some("c"),
        used=some("m"),
        hook=st.sampled_from(LSM_HOOKS),
        step=st.sampled_from(["mix", "mix", "mix", "verdict"]),
        number=st.integers(0, 3),
        flags=st.sampled_from([MULTI, MULTI, MULTI, 0]),
    )
    def lsm_program(
        self, cgroup: str, used: str, hook: str, step: str, number: int, flags: int
    ) -> None:
        """A program at an LSM hook, attached, passed and listed."""
        self.made["lsm"] += 1
        steps = [["add", used, 1], [step, used, number]]
        self.load("lsm", "lsm_cgroup", steps=steps, lsm_hook=hook)
        prog = self.names["p"][-1:]
        if prog and self.belongs[prog[0]][0] == "lsm_cgroup":
            self.attach(cgroup, prog[0], "lsm_cgroup", flags)
            self.do("fire", cgroup=cgroup, event=f"lsm/{hook}", cpu=0)
            self.do(
                "prog_query",
                cgroup=cgroup,
                attach_type="lsm_cgroup",
                effective=False,
                prog_attach_flags=True,
            )

    @needs("c")
    @rule(cgroup=some("c"))
    def fire_egress(self, cgroup: str) -> None:
        self.fire(cgroup, "egress", 0, 1)

    @needs("c", room="s")
    @rule(cgroup=some("c"))
    def sock_open(self, cgroup: str) -> None:
        label = self.new("s")
        self.do("sock_open", sock=label, cgroup=cgroup, hooks=["sock_create"])

    @needs("s")
    @rule(sock=some("s"))
    def sock_send(self, sock: str) -> None:
        self.do("sock_send", sock=sock, event="egress")

    @needs("s")
    @rule(sock=some("s"))
    def sock_close(self, sock: str) -> None:
        self.do("sock_close", sock=sock)

    # -- maps ---------------------------------------------------------------------------------

    def create(self, kind: str, key: int, value: int, **given: Any) -> None:
        label = self.new("m")
        fields = {"max_entries": 0, "map_flags": 0, **given}
        self.do("map_create", map=label, type=kind, key_size=key, value_size=value, **fields)

    @needs("", room="m")
    @seldom("m", 12)
    @rule(
        kind=st.sampled_from(["cgroup_storage"] * 3 + ["percpu_cgroup_storage"] * 2),
        key=KEY_SIZES,
        value=VALUE_SIZES,
        entries=MAX_ENTRIES,
        flags=MAP_FLAGS,
    )
    def map_create(self, kind: str, key: int, value: int, entries: int, flags: int) -> None:
        self.create(kind, key, value, max_entries=entries, map_flags=flags)

    @needs("", room="m")
    @seldom("m", 12)
    @rule(
        kind=st.sampled_from(["cgroup_storage", "percpu_cgroup_storage"]),
        described=DESCRIBED,
        flags=st.sampled_from([0] * 8 + [0x80, 0x100]),
    )
    def map_create_with_btf(self, kind: str, described: Any, flags: int) -> None:
        key, value, btf_key, btf_value = described
        self.create(kind, key, value, map_flags=flags, btf_key=btf_key, btf_value=btf_value)

    @needs("", room="g")
    @seldom("cgrp_maps", 3)
    @rule(described=CGRP_MAPS)
    def cgrp_map_create(self, described: Any) -> None:
        self.made["cgrp_maps"] += 1
        key, value, flags, btf_key, btf_value = described
        self.create(
            "cgrp_storage", key, value, map_flags=flags, btf_key=btf_key, btf_value=btf_value
        )

    @needs("m")
    @seldom("of_maps")
    @rule(outer=st.sampled_from(["array_of_maps", "hash_of_maps"]), inner=some("gggm"))
    def map_of_maps_create(self, outer: str, inner: str) -> None:
        self.made["of_maps"] += 1
        self.do("map_of_maps_create", outer=outer, inner=inner)

    @needs("mi")
    @rule(
        found=some("m"),
        cgroup=some("i"),
        at=st.sampled_from(["egress"] * 8 + [*ATTACH_TYPES]),
        what=st.sampled_from(["map_lookup"] * 5 + ["map_update"] * 8 + ["map_delete"]),
        value=st.integers(0, 1000),
        flags=FLAGS,
        further=st.sampled_from([{}] * 8 + [{"whole": True}, {"by": "st_ino"}]),
    )
    def entry(
        self,
        found: str,
        cgroup: str,
        at: str,
        what: str,
        value: int,
        flags: int,
        further: dict[str, Any],
    ) -> None:
        given: dict[str, Any] = {"map": found, "key": [cgroup, at]}
        if what != "map_delete":
            given["flags"] = flags
        if what == "map_update":
            given["value"] = value
        if what == "map_lookup" or "by" in further:
            given |= further
        self.do(what, **given)

    def entries(self) -> list[tuple[str, str, str]]:
        """Map, cgroup and attach type of every storage that a living map holds."""
        model, found = self.models[-1], []
        for name in self.names["m"]:
            for storage in model.live[name].object.entries.values():
                at = storage.key[1] if isinstance(storage.key, tuple) else None
                found.append(
                    (
                        name,
                        model.cgroup_names[storage.cgroup.id],
                        ATTACH_NAMES.get(at) or "egress",
                    )
                )
        return found

    @needs("m")
    @rule(
        number=st.integers(0, 7),
        what=st.sampled_from(["map_lookup"] * 4 + ["map_update"]),
        flags=st.sampled_from([0] * 6 + [2, 2, 1, 4, 8]),
        value=st.integers(0, 1000),
    )
    def look(self, number: int, what: str, flags: int, value: int) -> None:
        """At an entry that is there."""
        entries = self.entries()
        if entries:
            found, cgroup, at = entries[number % len(entries)]
            given = {"flags": flags, "value": value} if what == "map_update" else {}
            self.do(what, map=found, key=[cgroup, at], **given)

    @needs("mi")
    @rule(found=some("m"), cgroup=some("i"))
    def look_for(self, found: str, cgroup: str) -> None:
        self.do("map_lookup", map=found, key=[cgroup, "egress"])

    @needs("mi")
    @seldom("command")
    @rule(
        found=some("m"),
        cgroup=some("i"),
        command=st.sampled_from(COMMANDS),
    )
    def map_command(self, found: str, cgroup: str, command: str) -> None:
        self.made["command"] += 1
        self.do("map_command", command=command, map=found, key=[cgroup, "egress"])

    @needs("m")
    @seldom("freeze", 2)
    @rule(found=some("m"))
    def map_freeze(self, found: str) -> None:
        self.made["freeze"] += 1
        self.do("map_freeze", map=found)

    @needs("m")
    @rule(found=some("m"), count=st.integers(1, 4))
    def map_keys(self, found: str, count: int) -> None:
        self.do("map_keys", map=found, count=count)

    @needs("m")
    @rule(found=some("m"), cgroup=maybe("i"), at=st.sampled_from(["egress", "egress", "ingress"]))
    def map_next_key(self, found: str, cgroup: str | None, at: str) -> None:
        key = None if cgroup is None else [cgroup, at]
        if self.do("map_next_key", map=found, key=key) == GARBAGE:
            self.do("map_lookup", map=found, key=GARBAGE)
            self.do("map_next_key", map=found, key=GARBAGE)

    @needs("gi")
    @rule(
        again=st.booleans(),
        found=some("g"),
        cgroup=some("i"),
        what=st.sampled_from(["lookup", "update", "update", "delete", "next"]),
        value=st.integers(0, 1000),
        flags=st.sampled_from([0] * 3 + [1, 1, 2, 2, 3, 4, 8]),
    )
    def cgrp(self, found: str, cgroup: str, what: str, value: int, flags: int, again: bool) -> None:
        given: dict[str, Any] = {"map": found, "cgroup": cgroup}
        if what in ("lookup", "update"):
            given["flags"] = flags
        if what == "update":
            given["value"] = value
        self.do(f"cgrp_{what}", **given)
        if again:  # now that it may be there
            self.do("cgrp_lookup", map=found, cgroup=cgroup, flags=0)
            self.do("cgrp_delete", map=found, cgroup=cgroup)

    # -- programs -----------------------------------------------------------------------------

    def load(self, kind: str, expected: str | None, helper_flags: int = 0, **body: object) -> None:
        label = self.new("p")
        self.do(
            "prog_load",
            prog=label,
            type=kind,
            expected_attach_type=expected,
            **body,
            helper_flags=helper_flags,
        )
        natural = AT.get(kind, (expected or "egress",))
        self.belongs[label] = (expected,) * 4 + natural if expected else natural

    @needs("", room="p")
    @rule(
        of=st.sampled_from(PROGRAMS),
        body=st.tuples(st.sampled_from(["add", "mix"]), AMOUNTS),
        one=maybe("m"),
        two=maybe("m"),
        array=maybe("a"),
        helper_flags=st.sampled_from([0] * 12 + [1]),
    )
    def prog_load(
        self,
        of: Any,
        body: Any,
        one: str | None,
        two: str | None,
        array: str | None,
        helper_flags: int,
    ) -> None:
        used = [name for name in (one, two) if name]
        jump: dict[str, object] = {"tail_call": array} if array else {}
        kind, expected = of
        self.load(kind, expected, helper_flags, body=[*body], maps=used, **jump)

    @needs("m", room="p")
    @rule(used=some("m"), number=st.integers(1, 9))
    def prog_load_counter(self, used: str, number: int) -> None:
        self.load("cgroup_skb", None, body=["mix", number], maps=[used])

    @needs("m", room="p")
    @rule(
        of=st.sampled_from(PROGRAMS),
        kinds=st.lists(
            st.sampled_from(
                ["add", "mix", "store", "copy", "flush", "verdict", "mention"] * 3
                + ["return", "call", "tail_call"]
            ),
            min_size=1,
            max_size=3,
        ),
        first=some("m"),
        second=some("mg"),
        array=some("am"),
        number=st.sampled_from([0, 1, 1, 2, 3, 50]),
    )
    def prog_load_steps(
        self, of: Any, kinds: list[str], first: str, second: str, array: str, number: int
    ) -> None:
        steps = {
            "copy": ["copy", first, second],
            "flush": ["flush", first, second, number],
            "mention": ["mention", second],
            "return": ["return", number],
            "call": ["call", first, "bpf_map_lookup_elem"],
            "tail_call": ["tail_call", array, number % 2],
        }
        self.load(*of, steps=[steps.get(kind, [kind, first, number]) for kind in kinds])

    @needs("cm", room="p")
    @seldom("gates", 2)
    @rule(cgroup=some("c"), found=some("m"), below=st.integers(0, 3))
    def gate(self, cgroup: str, found: str, below: int) -> None:
        """A program that denies from some count on."""
        self.made["gates"] += 1
        self.load("cgroup_skb", None, steps=[["add", found, 1], ["verdict", found, below]])
        prog = self.names["p"][-1:]
        if prog:
            self.attach(cgroup, prog[0], "egress", MULTI)
            self.fire_egress(cgroup)

    @needs("cg", room="p")
    @seldom("cgrp_programs", 4)
    @rule(
        cgroup=some("c"),
        found=some("g"),
        of=st.sampled_from([str(of) for of in CgroupOf]),
        flags=st.sampled_from([0, 1, 1, 1, 2]),
        kind=st.sampled_from(["cgrp_add", "cgrp_add", "cgrp_delete"]),
        at=st.sampled_from(
            ["egress", "egress", "connect4", "sock_create", "ingress", "getsockopt"]
        ),
    )
    def cgrp_program(
        self, cgroup: str, found: str, of: str, flags: int, kind: str, at: str
    ) -> None:
        """A program that calls a helper of CGRP_STORAGE."""
        self.made["cgrp_programs"] += 1
        step = [kind, found, 3, None, of, flags, False]
        self.load(TYPE_OF[at], at, steps=[step if kind == "cgrp_add" else [kind, found, of, False]])
        prog = self.names["p"][-1:]
        if prog:
            self.attach(cgroup, prog[0], at, MULTI)
            self.do("fire", cgroup=cgroup, event=at, cpu=0)
            self.do("cgrp_lookup", map=found, cgroup=cgroup, flags=0)

    @needs("", room="a")
    @seldom("arrays", 2)
    @rule(slots=st.sampled_from([1, 1, 2]))
    def prog_array_create(self, slots: int) -> None:
        self.made["arrays"] += 1
        label = self.new("m")
        self.do("prog_array_create", map=label, slots=slots)

    @needs("ap")
    @rule(array=some("a"), prog=some("p"), slot=st.sampled_from([0, 0, 0, 1]))
    def prog_array_update(self, array: str, prog: str, slot: int) -> None:
        self.do("prog_array_update", map=array, prog=prog, slot=slot)

    @needs("p")
    @rule(prog=some("p"), repeat=st.sampled_from([1, 1, 2, 0, 5]))
    def prog_test_run(self, prog: str, repeat: int) -> None:
        self.do("prog_test_run", prog=prog, repeat=repeat)

    # -- attachments --------------------------------------------------------------------------

    def place(self, prog: str, number: int) -> str:
        """An attach type where the program belongs, or now and then another one."""
        natural = self.belongs[prog]
        every = [*ATTACH_TYPES]
        return every[number % len(every)] if number > 60 else natural[number % len(natural)]

    @needs("cp")
    @rule(
        cgroup=some("c"),
        prog=some("p"),
        number=st.integers(0, 65),
        flags=ATTACH_FLAGS,
        other=some("p"),
        stray=st.integers(0, 15),
    )
    def prog_attach(
        self, cgroup: str, prog: str, number: int, flags: int, other: str, stray: int
    ) -> None:
        replace = other if bool(flags & REPLACE) != (stray == 15) else None
        self.attach(cgroup, prog, self.place(prog, number), flags, replace)

    def attach(
        self, cgroup: str, prog: str, at: str, flags: int, replace: str | None = None
    ) -> Answer:
        return self.do(
            "prog_attach", cgroup=cgroup, prog=prog, attach_type=at, flags=flags, replace=replace
        )

    @needs("cp")
    @rule(
        cgroup=some("c"), prog=some("p"), flags=st.sampled_from([MULTI, MULTI, MULTI, MULTI, 0, 1])
    )
    def attach_and_send(self, cgroup: str, prog: str, flags: int) -> None:
        """What most sequences need before anything can happen."""
        self.attach(cgroup, prog, self.belongs[prog][0], flags)
        self.fire_egress(cgroup)

    @needs("cp")
    @rule(cgroup=some("c"), prog=some("p"), other=some("p"))
    def replace_and_send(self, cgroup: str, prog: str, other: str) -> None:
        self.attach(cgroup, prog, self.belongs[other][0], MULTI | REPLACE, other)
        self.fire_egress(cgroup)

    @needs("cp")
    @rule(cgroup=some("c"), prog=some("p"), number=st.integers(0, 65), none=st.integers(0, 9))
    def prog_detach(self, cgroup: str, prog: str, number: int, none: int) -> None:
        given = None if none == 9 else prog
        self.do("prog_detach", cgroup=cgroup, prog=given, attach_type=self.place(prog, number))

    @needs("cp")
    @rule(number=st.integers(0, 7))
    def detach_one(self, number: int) -> None:
        """Something that is attached."""
        model = self.models[-1]
        there = [
            (
                model.cgroup_names[cgroup.id],
                model.prog_names[entry.program.id],
                ATTACH_NAMES.get(at, "lsm_cgroup"),
            )
            for cgroup in model.kernel.cgroups.values()
            for at, hook in cgroup.hooks.items()
            for entry in hook.attachments
            if model.cgroup_names.get(cgroup.id) in self.names["c"]
            and model.prog_names.get(entry.program.id) in self.names["p"]
        ]
        if there:
            cgroup, prog, at = there[number % len(there)]
            self.do("prog_detach", cgroup=cgroup, prog=prog, attach_type=at)

    @needs("c")
    @rule(
        cgroup=some("c"),
        at=st.sampled_from(["egress"] * 8 + [*ATTACH_TYPES]),
        effective=st.booleans(),
        count=st.sampled_from([None, None, 0, 1, 2]),
    )
    def prog_query(self, cgroup: str, at: str, effective: bool, count: int | None) -> None:
        buffer = {} if count is None else {"count": count}
        self.do("prog_query", cgroup=cgroup, attach_type=at, effective=effective, **buffer)

    @needs("cp", room="l")
    @rule(cgroup=some("c"), prog=some("p"), number=st.integers(0, 65))
    def link_create(self, cgroup: str, prog: str, number: int) -> None:
        label, at = self.new("l"), self.place(prog, number)
        self.do("link_create", link=label, cgroup=cgroup, prog=prog, attach_type=at)

    @needs("lp")
    @rule(link=some("l"), new=some("p"), old=maybe("p"))
    def link_update(self, link: str, new: str, old: str | None) -> None:
        self.do("link_update", link=link, new_prog=new, old_prog=old)

    @needs("l")
    @rule(link=some("l"))
    def link_detach(self, link: str) -> None:
        self.do("link_detach", link=link)

    # -- descriptors, pins, users -------------------------------------------------------------

    @needs("mpl")
    @rule(kind=st.sampled_from("mpppll"), number=st.integers(0, 7))
    def close(self, kind: str, number: int) -> None:
        name = self.names[kind][number % len(self.names[kind])]
        self.do("close", **_any(name))

    @needs("a")
    @rule(array=some("a"))
    def close_array(self, array: str) -> None:
        self.do("close", map=array)

    @needs("mp")
    @seldom("pins", 3)
    @rule(found=some("mmpl"), path=PATHS)
    def obj_pin(self, found: str, path: str) -> None:
        self.made["pins"] += 1
        if self.do("obj_pin", **_any(found), path=path) == "ok":
            self.pins[path] = found[0]

    @precondition(lambda self: self.pins)
    @rule(path=PATHS, flags=st.sampled_from([0, 0, 0, 8, 16, 24]))
    def obj_get(self, path: str, flags: int) -> None:
        letter = self.pins.get(path, "m")
        if len(self.names[letter]) >= MOST[letter]:
            return
        label, given = self.new(letter), flags if letter == "m" else 0
        if letter == "p":
            self.belongs[label] = ("egress",)
        self.do("obj_get", **_any(label), path=path, flags=given)

    @precondition(lambda self: self.pins)
    @rule(path=PATHS)
    def unlink(self, path: str) -> None:
        self.do("unlink", path=path)
        self.pins.pop(path, None)

    @needs("cmp")
    @seldom("users", 3)
    @rule(
        capabilities=USERS,
        cgroup=some("c"),
        prog=some("p"),
        found=some("m"),
        what=st.sampled_from(["create", "load", "attach", "detach", "lookup", "query", "link"]),
    )
    def as_user(
        self, capabilities: list[str], cgroup: str, prog: str, found: str, what: str
    ) -> None:
        """One operation of a caller with fewer capabilities."""
        self.made["users"] += 1
        if self.do("user", capabilities=capabilities) is None:
            return
        at = self.belongs[prog][0]
        if what == "create":
            self.create("cgroup_storage", 16, 8)
        elif what == "load":
            self.load("cgroup_skb", None, body=["add", 1], maps=[found])
        elif what == "attach":
            self.attach(cgroup, prog, at, MULTI)
        elif what == "detach":
            self.do("prog_detach", cgroup=cgroup, prog=prog, attach_type=at)
        elif what == "lookup":
            self.do("map_lookup", map=found, key=[cgroup, "egress"])
        elif what == "query":
            self.do("prog_query", cgroup=cgroup, attach_type=at, effective=False)
        elif len(self.names["l"]) < MOST["l"]:
            link = self.new("l")
            self.do("link_create", link=link, cgroup=cgroup, prog=prog, attach_type=at)
        self.do("user", capabilities=None)


def _any(name: str) -> dict[str, str]:
    return {kind: name for kind in DESCRIPTORS if LETTERS[kind] == name[0]}
