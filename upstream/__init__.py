# SPDX-License-Identifier: GPL-2.0-only
"""Upstream: patches for the kernel's documentation and selftests.

``patches`` lists what is proposed and why, ``edits`` says where it goes, and ``text`` turns
sections of a page of the site into the kernel's reStructuredText.  ``tree`` reads the sender's git,
``scratch`` is where commits are made, and ``series`` writes the mails.  ``package``, ``check`` and
``guest_tests`` try them on the newest source that Debian ships.  From the command line: ``python -m
upstream --help``.
"""
