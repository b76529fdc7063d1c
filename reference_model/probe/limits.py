# SPDX-License-Identifier: GPL-2.0-only
"""The changes that no safe question shows, each with the reason."""

from __future__ import annotations

from .. import changes
from ..releases import Change

_MEMORY = "without it the kernel accesses wrong memory, and no safe call shows the difference"
_ALLOCATION = "only an allocation that fails in the kernel shows it"

_BTF = "only programs that need the BTF of the kernel itself show it"

NEVER_ASKED: dict[Change, str] = {
    changes.STORAGES_BY_TYPE: _MEMORY,
    changes.STORAGE_POINTERS: _MEMORY,
    changes.DETACH_NEVER_FAILS: _ALLOCATION,
    changes.PREORDER_INDEX: _MEMORY,
    changes.FAILED_REPLACE_RESTORES: _ALLOCATION,
    changes.CGROUP_KFUNCS: _BTF,
    changes.TAIL_CALLS_BETWEEN_HOOKS: _BTF,
    changes.SOCK_OPS_KFUNCS: _BTF,
    changes.FIELDS_COUNTED_IN_WHOLE_VALUE: "without it the kernel logs a warning when it is tested",
    changes.SPARSE_CPUS: _MEMORY,
}
"""Why each of these changes is not asked for."""
