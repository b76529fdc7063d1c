# SPDX-License-Identifier: GPL-2.0-only
"""The rules: what is wrong, what is better, and an example that must be found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

SPACE = r"(?:[ \t]*\n[ \t]*|[ \t]+)"
"""Between two words: a space, or the end of a line, but no empty line."""

ERRNO = r"(?:``)?-?E(?!XIST\b|BPF)[A-Z0-9]{3,}\b"
VERSION = r"(?:Linux )?\d+\.\d+(?:\.\d+)?"
NOUN_BEFORE = (
    "a an the each every this its any no another one first second last later next new "
    "of at by after before until for without"
)


@dataclass(frozen=True)
class Rule:
    """Words that are wrong wherever they stand in prose."""

    wrong: str
    """A regular expression; a space stands for any space, and case counts."""
    better: str
    """What to write instead."""
    before: str
    """A sentence that breaks the rule."""
    everywhere: bool = True
    """Whether it holds in the project's own texts, too, or only on pages for readers."""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The expression, compiled."""
        return re.compile(self.wrong.replace(" ", SPACE))


def words(text: str) -> str:
    """Any of these words, as they are or with a capital letter.

    >>> words("go went")
    '\\\\b(?:[Gg]o|[Ww]ent)\\\\b'
    """
    either = "|".join(f"[{word[0].upper()}{word[0]}]{word[1:]}" for word in text.split())
    return rf"\b(?:{either})\b"


RULES = (
    # 1. Address the reader.
    Rule(
        r"\b(?:Who|Whoever|(?:Every|No|Some)body who) [a-z]+\b(?![^.!|]*\?)",
        "You are affected if ...; if you ...",
        "It was fixed. Who never detaches has nothing to do.",
    ),
    # 2. These are verbs.
    Rule(
        rf"{words(NOUN_BEFORE)} (?:attach|detach)\b(?!\()(?! (?:types?|flags?)\b)",
        "attachment; attaching a program; after it is detached",
        "After the detach the entry remains.",
    ),
    Rule(rf"{words('the these those all two three both')} (?:attaches|detaches)\b",
         "attachments", "The order of the attaches."),
    Rule(rf"{words('walk walks walked walking')}", "iterate, iteration", "A walk over all keys."),
    # 3. Versions.
    Rule(rf"(?:[Ff]rom {VERSION}|\b\d+\.\d+) on(?:wards)?\b(?! (?:an?|the|every|each|all)\b)",
         "Since 5.9", "From Linux 5.9 on it is kept."),
    Rule(rf"\b(?:[Uu]p to|[Tt]ill|[Uu]ntil) {VERSION}\b", "Before 5.9",
         "Up to 5.8 each one had its own."),
    # 4. Errors happen to calls.
    Rule(
        r"\b(?:is|are|was|were|be|becomes|gets?|got|says?|said|else|tells|gives|answers|now"
        rf"|otherwise)(?: (?:still|always|never|now|an?|no longer|only))? {ERRNO}",
        "fails with ``EINVAL``; returns ``-EINVAL``",
        "Deleting is ``EINVAL`` on both types.",
    ),
    # 6. Standard verbs.
    Rule(rf"{words('begin begins began')} (?:anew|new)\b", "is reset", "The counter begins anew."),
    Rule(rf"{words('go goes went going')} on\b(?! (?:the|a|an)\b)", "continue",
         "The new program goes on with the old value."),
    Rule(words("vanish vanishes vanished spoil spoils spoiled mend mends mended"),
         "free, corrupt, fix", "Its entry vanishes."),
    Rule(r"\b(?:storages?|entry|entries) (?:ends?|goes|go|dies?|(?:is|are|was|were) made)\b",
         "is freed; is created", "Its storage ends with the map."),
    Rule(words("stand stands stood"), "is; is listed", "The fix stands in the table.",
         everywhere=False),
    # 7. Standard nouns.
    Rule(r"\b[Kk]eys? of (?:\d+|n) bytes\b", "8-byte key", "A key of 8 bytes is shorter."),
    Rule(words("neighbour neighbours"), "name it", "An update changes the neighbour."),
    # 10. No aphorisms.
    Rule(r"\b(?:is|are|was) no (?:promise|end|replacement)\b", "state the fact",
         "The order is no promise."),
    # 16. What kernels do.
    Rule(r"\b[Kk]ernels?(?: (?:do|does|did) not)? (?:knows?|knew|wants?|forgets?|forgot|believes?)"
         r"\b", "check, reject, return, free, support", "Older kernels know no such flag."),
    # Words that readers do not know.
    Rule(words("story stories"), "page; example", "This story shows it.", everywhere=False),
    Rule(words("twin twins"), "C version", "The twin shows it, too.", everywhere=False),
    Rule(words("recipe recipes"), "how-to guide", "A recipe helps.", everywhere=False),
    Rule(words("additions"), "what's new", "See the additions.", everywhere=False),
    Rule(r"\b[Bb]reaking changes?\b", "migration guide; change", "A list of breaking changes.",
         everywhere=False),
    Rule(r"\b[Tt]he way out\b", "the fix", "The way out is a new map."),
    Rule(r"\b[Bb]ogus key\b", "invalid trailing key", "The bogus key is never found.",
         everywhere=False),
    Rule(r"\b(?:[Rr]ecorded kernels?|[Kk]ernels? (?:that )?(?:was|were) asked)\b",
         "tested kernel, tested", "No recorded kernel has it.", everywhere=False),
    Rule(words("guest guests"), "virtual machine", "Seen in a guest.", everywhere=False),
    Rule(r"\b(?:[Tt]he|[Tt]his|[Aa]|by|of|in) proposal\b", "the July 2020 proposal (never merged)",
         "The proposal refused it.", everywhere=False),
    Rule(r"\b[Cc]onformance\b", "test matrix", "See the page on conformance.", everywhere=False),
    Rule(words("surprise surprises"), "pitfall", "One of the surprises.", everywhere=False),
    Rule(r"\b[Ww]ho shares with whom\b", "sharing matrix", "See who shares with whom."),
    Rule(r"\b(?:[Aa]|one|each|every|the|its) rooms?\b|\brooms\b", "module",
         "Each module is one room."),
    Rule(words("house"), "package, project", "The rules of the house."),
)  # fmt: skip
