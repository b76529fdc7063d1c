# SPDX-License-Identifier: GPL-2.0-only
"""What several extensions need: nodes, tables, words, and what a page is made from."""
