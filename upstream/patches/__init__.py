# SPDX-License-Identifier: GPL-2.0-only
"""What is proposed to the kernel, the smallest and most useful first."""

from .detach import DETACH
from .examples import EXAMPLES
from .helper import HELPER
from .reference import REFERENCE

PATCHES = (DETACH, EXAMPLES, REFERENCE, HELPER)

READ_IN = "7.3.4"
"""The release in which the kernel's text was read; an edit is made where that still stands."""
