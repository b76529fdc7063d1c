# SPDX-License-Identifier: GPL-2.0-only
"""The storage maps of a machine that runs: who uses them, where, and what they hold.

``found`` is what there is, whoever read it: ``live`` reads it from the running kernel, and
``bpftool`` from files.  ``report`` says what follows from it.  Nothing here changes anything.
"""
