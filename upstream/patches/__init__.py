# SPDX-License-Identifier: GPL-2.0-only
"""What is proposed to the kernel, the smallest and most useful first.

The statements about the kernel's present text were read in the documentation of Linux 7.3.4.  An
edit is made only where that text still stands.
"""

from .detach import DETACH
from .examples import EXAMPLES
from .helper import HELPER
from .reference import REFERENCE

PATCHES = (DETACH, EXAMPLES, REFERENCE, HELPER)
