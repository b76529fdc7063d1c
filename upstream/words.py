# SPDX-License-Identifier: GPL-2.0-only
"""Commits and lists as sentences give them."""

from __future__ import annotations

from collections.abc import Iterable

from reference_model import Change


def commit(change: Change) -> str:
    """A commit as the kernel's documents name it.

    >>> from reference_model import changes
    >>> commit(changes.SHARED_STORAGE)[:38]
    'commit 7d9c3427894f ("bpf: Make cgroup'
    """
    return f'commit {change.commit} ("{change.title}")'


def listed(words: Iterable[str]) -> str:
    """Words as a sentence lists them.

    >>> listed("abc"), listed("ab"), listed("a")
    ('a, b and c', 'a and b', 'a')
    """
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def replaced(text: str, old: str, new: str) -> str:
    """Replace words that must be there; ValueError if they are not.

    >>> replaced("an 8-byte key", "8-byte", "__u64")
    'an __u64 key'
    """
    if old not in text:
        raise ValueError(f"{old!r} is not in the text that begins {text.strip()[:40]!r}")
    return text.replace(old, new)
