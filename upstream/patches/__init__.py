# SPDX-License-Identifier: GPL-2.0-only
"""What is proposed to the kernel: two series, the most certain patch of each first."""

from ..patch import Claim, Series
from .aya import AYA
from .cgrp_example import CGRP_EXAMPLE
from .ebpf_docs import EBPF_DOCS
from .errors import ERRORS
from .examples import EXAMPLES
from .frees import FREES
from .helper import HELPER
from .percpu import PERCPU
from .reattach import REATTACH
from .selftest import SELFTEST
from .versions import VERSIONS

FIRST = Series(
    "bpf, docs: Correct the documentation of CGROUP_STORAGE",
    """
    The documentation of BPF_MAP_TYPE_CGROUP_STORAGE has not followed the code in a few places.
    Each patch corrects one of them and applies without the others.
    """,
    (FREES, CGRP_EXAMPLE, EXAMPLES, VERSIONS, REATTACH),
)

SECOND = Series(
    "bpf: Test and document more of CGROUP_STORAGE",
    """
    Since Linux 5.9 a cgroup storage outlives its attachment, but no selftest re-attaches a
    program. Add one, and document what is otherwise found only in the source. Each patch applies
    without the others.
    """,
    (SELFTEST, PERCPU, ERRORS, HELPER),
)

SERIES = {1: FIRST, 2: SECOND}

PATCHES = (*FIRST.patches, *SECOND.patches)

SUPPORTS_ALL = Claim(
    "map_cgrp_storage.rst",
    "``BPF_MAP_TYPE_CGRP_STORAGE`` supports everything that the older type does.",
    "Its keys cannot be listed, and no helper returns the cgroup of the attachment.",
    "6.2",
    "``kernel/bpf/bpf_cgrp_storage.c``: notsupp_get_next_key()",
    ("cgrp.entries",),
    ("to_cgrp_storage",),
)

UNPATCHED = (
    (SUPPORTS_ALL, ""),
    *((claim, "docs-ebpf-io") for patch in EBPF_DOCS for claim in patch.claims),
    (AYA, "aya"),
)
"""What no patch of the series corrects, and the section of the page that helps, if any."""

READ_IN = "7.3.4"
"""The release in which the kernel's text was read; an edit is made where that still stands."""
