# SPDX-License-Identifier: GPL-2.0-only
"""Finds words that readers stumble over; ``python -m prose --help``.

A check of words cannot make a text good. It holds what is mechanical, so that nobody has to look
for it when they read a page aloud.
"""
