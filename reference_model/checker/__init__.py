# SPDX-License-Identifier: GPL-2.0-only
"""Whether a program is affected by what releases changed: what its objects and its sources show.

A module a step: ``images`` finds the ELF images in a file, ``elf`` and ``btf`` read them,
``objects`` finds the maps and the programs, ``flow`` follows values through their code, ``loading``
asks the model on all releases, ``matching`` finds the pages that concern the object, and ``report``
says all of it.  ``sources`` searches source code for the signs of the stories.  Nothing here needs
a kernel, a system call or another process, so the check also runs in a browser.
"""

from __future__ import annotations


class Malformed(ValueError):
    """A file that cannot be read as an object; the text is a sentence without its full stop."""
