# SPDX-License-Identifier: GPL-2.0-only
"""Upstream: patches for the kernel's ``Documentation/bpf``, made from the pages of this site.

``text`` turns sections and rules of a page into the kernel's reStructuredText, ``edits`` says where
they go, ``patches`` lists what is proposed and why, ``tree`` is the sender's git, ``series`` writes
the mails, and ``package`` and ``check`` try them on the newest source that Debian ships.  From the
command line: ``python -m upstream --help``.
"""
