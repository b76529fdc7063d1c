# SPDX-License-Identifier: GPL-2.0-only
"""What was recorded of real kernels, and what searches found; this package alone reads it.

``archive`` reads the traces and the records of kernels, ``answers`` says which kernels answered a
story or a trace and what, ``matrix`` compares all stories on all kernels with what is expected, and
``divergence`` and ``races`` read what the searches found.  ``results`` and ``search`` write, and
``digests`` says which code ran.  The
data is described in ``records/README.md``.
"""
