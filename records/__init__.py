# SPDX-License-Identifier: GPL-2.0-only
"""What real kernels answered and what searches found: the one package that reads the records.

The README beside this file says which file holds what, and where each comes from.
"""
