# SPDX-License-Identifier: GPL-2.0-only
"""Conformance: what real kernels answer, asked in QEMU guests.

``kernels`` finds and fetches kernels, ``initramfs`` builds what they boot into,
``guest`` boots one and runs a ``payload`` in it, ``python -m conformance``
does all of it from the command line.  Standard library only; what is needed
besides Python stands in ``apt.txt``.
"""
