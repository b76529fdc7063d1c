# SPDX-License-Identifier: GPL-2.0-only
"""Measurements of speed and memory, which ``make bench`` runs."""
