# SPDX-License-Identifier: GPL-2.0-only
"""``make new-story KIND=recipe|breaking_change|addition NAME=x``: write a story to fill in.

It writes the story's module and both files of its C version. They run as they are, and end with an
error that says what to fill in. The story joins ``records/not_recorded.txt``.
"""

from __future__ import annotations

import argparse
import keyword
import re
from collections.abc import Sequence
from pathlib import Path

from records import pending
from records.files import PENDING
from reference_model.catalogue import stories
from reference_model.commands import ENDINGS, finish
from reference_model.user_error import UserError

from .tools import REPOSITORY

KINDS = {
    "recipe": ("recipes", "Recipe"),
    "breaking_change": ("breaking_changes", "BreakingChange"),
    "addition": ("additions", "Addition"),
}
"""The kinds of stories: the folder of their modules, and their class."""

USAGE = "make new-story KIND=recipe|breaking_change|addition NAME=x"

LONGEST = 60
"""Letters of the longest name of a story."""

MODULE = '''\
# SPDX-License-Identifier: GPL-2.0-only
"""FILL IN: one sentence that says what the story shows."""

from __future__ import annotations

from reference_model import (
    BPF_CGROUP_INET_EGRESS,
    BPF_MAP_TYPE_CGROUP_STORAGE,
    BPF_PROG_TYPE_CGROUP_SKB,
    STORAGE_KEY,
    U64,
    Add,
    KernelInterface,
@CHANGES@)

from ..story import @IMPORTS@


@OLD@def run(kernel: KernelInterface, observe: Observe) -> None:
    """FILL IN: one sentence that says what it does."""
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    web = kernel.mkdir("web")
    kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS)
    kernel.fire(web, BPF_CGROUP_INET_EGRESS)
    observe("packets", lambda: kernel.map_lookup_elem(counts, (web, BPF_CGROUP_INET_EGRESS)))
    raise NotImplementedError(f"{__file__}: FILL IN run() and STORY")


STORY = @CLASS@(
    title="FILL IN: what is so, without a full stop, in at most 60 characters",
    nav="FILL IN: 30 characters at most",
    summary="""
FILL IN: two or three sentences for a reader in a hurry, in reStructuredText as all prose here.
""",
@FIELDS@    details="""
FILL IN: what happens, why, and since which commit.
""",
    shown_by="user space",  # FILL IN: what shows that a program is concerned: one of SHOWN
    run=run,
    outcomes=(@OUTCOMES@),
    symptoms=("FILL IN: what a reader sees and searches for",),
    rules=("FILL IN: ids of rules of docs/map_cgroup_storage.rst",),
)
'''

FIELDS = {
    "recipe": '''\
    problem="""
FILL IN: what a reader has, and what goes wrong with it.
""",
    when="""
FILL IN: when to use it, and when not.
""",
    pitfalls="""
FILL IN: what to watch out for.
""",
    promises=(Promise("FILL IN: what holds wherever the recipe works", lambda seen: False),),
    old=old,
    old_release="5.8",
    fails_on="latest",
''',
    "breaking_change": '''\
    affects="FILL IN: shared, per-CPU or both",
    affected="""
* FILL IN: "You are affected if ...", and "If you ..., no change is needed".
""",
    signs=(Sign("C", "FILL IN: a regular expression for git grep", "FILL IN: what it finds"),),
    fix="""
FILL IN: what to do, above the code of docs/examples/fixes.
""",
    before="5.8",
    after="5.9",
    outside="FILL IN: why no search finds it, or explains=(Explains(changes.X),) instead",
''',
    "addition": '''\
    affects="FILL IN: shared, per-CPU or both",
    probe="""
FILL IN: how a program finds out at run time whether the kernel has it.
""",
    without="""
FILL IN: what to do on a kernel without it.
""",
    before="5.8",
    after="5.9",
    outside="FILL IN: why no search finds it, or explains=(Explains(changes.X),) instead",
''',
}

OUTCOME = 'Outcome(None, {"packets": 1}, "FILL IN: a kernel, or a function of its source"),'

OUTCOMES = f"""
        {OUTCOME}
        Outcome(changes.SHARED_STORAGE, {{"packets": 1}}, "FILL IN: another change, and a source"),
    """

OLD = '''\
def old(kernel: KernelInterface, observe: Observe) -> None:
    """FILL IN: the program before the migration, with the same labels."""
    raise NotImplementedError(f"{__file__}: FILL IN old()")


'''

BPF = """\
// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * FILL IN: what the program does.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} counts SEC(".maps");

SEC("cgroup_skb/egress")
int count(struct __sk_buff *skb)
{
	__u64 *packets = bpf_get_local_storage(&counts, 0);

	__sync_fetch_and_add(packets, 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
"""

USER = """\
// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * FILL IN: what the program shows.
 */
#include <errno.h>
#include <error.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

int main(void)
{
	struct bpf_cgroup_storage_key key = {
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	struct bpf_object *object = bpf_object__open(object_file());
	__u64 packets = 0;
	int web, count, counts, err;

	if (!object || bpf_object__load(object))
		error(1, errno, "load");
	count = bpf_program__fd(
		bpf_object__find_program_by_name(object, "count"));
	counts = bpf_object__find_map_fd_by_name(object, "counts");
	web = make_cgroup(-1, "web");
	err = bpf_prog_attach(count, web, BPF_CGROUP_INET_EGRESS, 0);
	if (err)
		error(1, -err, "attach");
	send_packet(web);
	key.cgroup_inode_id = cgroup_id(web);
	err = bpf_map_lookup_elem(counts, &key, &packets);
	show_number("packets", err, packets);
	bpf_object__close(object);
	error(1, 0, "FILL IN main() of %s", __FILE__);
}
"""


class BadRequest(UserError):
    """The story cannot be made; the text says why, and what to do."""


def check(kind: str, name: str, root: Path) -> None:
    """Raise BadRequest unless a story of this kind and name can be made."""
    if not kind or not name:
        raise BadRequest(f"A new story needs a kind and a name: {USAGE}")
    if kind not in KINDS:
        raise BadRequest(f"KIND={kind} is none of {', '.join(KINDS)}: {USAGE}")
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise BadRequest(
            f"NAME={name} is no name of a story: use small letters, digits and single underscores, "
            f"such as NAME=reattach_keeps_data: {USAGE}"
        )
    if len(name) > LONGEST:
        raise BadRequest(f"NAME={name[:LONGEST]}... has {len(name)} letters, at most {LONGEST}")
    if name in stories():
        raise BadRequest(f"NAME={name} is taken by another story: choose another name")
    for path in files(kind, name):
        if (root / path).exists():
            raise BadRequest(f"NAME={name} is taken, {path} exists: choose another name")


def files(kind: str, name: str) -> dict[str, str]:
    """The files of a new story and their text, by their paths; the module is the last."""
    folder, class_name = KINDS[kind]
    path = f"reference_model/catalogue/{folder}/{name}.py"
    recipe = kind == "recipe"
    names = [class_name, "Observe", "Outcome", *["Promise"] * recipe]
    names += ["Sign"] * (kind == "breaking_change")
    text = MODULE
    for mark, words in {
        "@CHANGES@": "" if recipe else "    changes,\n",
        "@IMPORTS@": ", ".join(sorted(names)),
        "@OLD@": OLD if recipe else "",
        "@OUTCOMES@": OUTCOME if recipe else OUTCOMES,
        "@FIELDS@": FIELDS[kind],
        "@CLASS@": class_name,
    }.items():
        text = text.replace(mark, words)
    return {
        f"docs/examples/{name}.bpf.c": BPF,
        f"docs/examples/{name}.c": USER,
        path: text,
    }


def write(kind: str, name: str, root: Path = REPOSITORY, list_of: Path = PENDING) -> list[str]:
    """Write a new story, and add it to the list of those that are not recorded; its files."""
    check(kind, name, root)
    made = files(kind, name)
    for path, text in made.items():
        (root / path).write_text(text, encoding="utf-8")
    pending.add(name, list_of)
    return list(made)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m conformance.new_story",
        description="Write a story to fill in: its module, and both files of its C version.",
        epilog=f"Exit status: 0 the files are written, 2 the story cannot be made. {ENDINGS}",
    )
    parser.add_argument("kind", metavar="KIND", nargs="?", default="", help=", ".join(KINDS))
    parser.add_argument("name", metavar="NAME", nargs="?", default="", help="of the new story")
    given = parser.parse_args(arguments)
    made = write(given.kind, given.name)
    print("\n".join(made))
    print("Fill in what these files mark with FILL IN, then run make record and make test.")
    return 0


if __name__ == "__main__":
    finish(main)
