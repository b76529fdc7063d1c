# SPDX-License-Identifier: GPL-2.0-only
"""What the long-term kernels support, from the same records that the model obeys.

``.. features::`` makes the table of the first page, ``.. badges::`` the line above it.
"""

from __future__ import annotations

from common.tables import Cell, table
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from records.archive import committed
from reference_model import MAINLINE, Change, changes
from reference_model.releases import LONG_TERM, NEWEST, Release

FEATURES: dict[str, Change | None] = {
    "``BPF_MAP_TYPE_CGROUP_STORAGE``": None,
    ":story:`Per-CPU values <percpu_maps>`": changes.PERCPU_STORAGE,
    ":story:`Spin lock in the value <values_may_hold_a_spin_lock>`": changes.SPIN_LOCK,
    ":story:`Cgroup id is the inode number <key_id_is_the_inode_number>`": changes.ID_IS_INODE,
    ":story:`Cgroup links <links_own_attachments>`": changes.LINKS,
    ":story:`8-byte keys <eight_byte_keys_need_5_9>`": changes.KEY_IS_CGROUP_ID,
    ":story:`Several programs use one map <second_program_may_use_the_map>`": (
        changes.SHARED_STORAGE
    ),
    ":story:`Data is kept when you re-attach <reattach_keeps_data>`": changes.SHARED_STORAGE,
    ":story:`No RLIMIT_MEMLOCK needed <attach_needs_no_memlock>`": changes.MEMCG_ACCOUNTING,
    ":story:`Values larger than a page <values_may_exceed_a_page>`": changes.BIGGER_VALUES,
    ":rule:`LSM programs <share.lsm>`": changes.LSM_CGROUP,
    ":story:`BPF_MAP_TYPE_CGRP_STORAGE <cgrp_storage_maps>`": changes.CGRP_STORAGE,
    ":story:`Tail calls are checked <tail_calls_compare_maps>`": changes.TAIL_CALL_COOKIES,
    ":story:`No invalid key after the last <walk_ends_with_the_last_key>`": changes.NEXT_KEY_END,
    ":story:`Flags for one CPU <one_cpu_can_be_addressed>`": changes.CPU_FLAGS,
    ":story:`Link updates are checked <link_update_compares_maps>`": (
        changes.LINK_UPDATE_COMPARES_MAPS
    ),
}
"""The rows of the table, and the change that brought each; None: every release has it."""


def support(release: str, change: Change | None) -> str:
    """Whether a branch has a change: "yes", the stable release that brought it, or "no".

    >>> from reference_model.changes import NEXT_KEY_END, SHARED_STORAGE
    >>> support("5.4", SHARED_STORAGE), support("5.10", SHARED_STORAGE)
    ('no', 'yes')
    >>> support("6.12", NEXT_KEY_END)
    '6.12.91'
    """
    if change is None or Release(release).has(change):
        return "yes"
    branch = (name for name in change.backports if name.rpartition(".")[0] == release)
    return next(branch, "no")


class Features(SphinxDirective):
    """``.. features::``"""

    def run(self) -> list[nodes.Node]:
        releases = [*LONG_TERM, NEWEST]
        rows = [
            [self.label(text), *(cell(support(release, change)) for release in releases)]
            for text, change in FEATURES.items()
        ]
        return [table(["Feature", *releases], rows, kind="features", stack=True)]

    def label(self, text: str) -> list[nodes.Node]:
        """The name of a feature, with its link."""
        found, messages = self.parse_inline(text, lineno=self.lineno)
        return [*found, *messages]


def cell(found: str) -> Cell:
    """What a cell shows: a mark with a hidden word, or a release."""
    mark = {"yes": "\N{CHECK MARK}", "no": "\N{EN DASH}"}.get(found)
    if mark is None:
        return nodes.inline("", found, classes=["support-stable"])
    parts = [nodes.Text(f"{mark} "), nodes.inline("", found, classes=["hidden-word"])]
    return nodes.inline("", "", *parts, classes=[f"support-{found}"])


def last_tested() -> str:
    """The day on which a kernel was last tested.

    >>> last_tested() > "2026"
    True
    """
    return max((record["date"] for record in committed().kernels), default="never")


class Badges(SphinxDirective):
    """``.. badges::``"""

    def run(self) -> list[nodes.Node]:
        texts = (
            f"Linux {MAINLINE[0]} to {NEWEST}",
            f"last tested {last_tested()}",
            f"deprecated since {changes.CGRP_STORAGE.first}",
        )
        found = nodes.paragraph("", "", classes=["badges"])
        for text in texts:
            found += [nodes.inline("", text, classes=["badge"]), nodes.Text(" ")]
        return [found]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directives, and the day to what templates can show."""
    app.add_directive("features", Features)
    app.add_directive("badges", Badges)
    app.config.html_context.setdefault("last_tested", last_tested())
    app.config.html_context.setdefault("kernels", f"Linux {MAINLINE[0]} to {NEWEST}")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
