# SPDX-License-Identifier: GPL-2.0-only
"""How-to guides, one module each."""
