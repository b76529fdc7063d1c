# SPDX-License-Identifier: GPL-2.0-only
"""What changed for users of these maps, one module for each change."""
