# SPDX-License-Identifier: GPL-2.0-only
"""Ways out, one module for each recipe."""
