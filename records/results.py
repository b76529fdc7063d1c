# SPDX-License-Identifier: GPL-2.0-only
"""What real kernels answered to the stories: the committed records, one file a kernel.

A record holds the kernel's identity and, for each story, what was observed and the digest of the
code that ran; the same for its versions in C (``twins``) and in Go, of which only is kept in what
they differed from the story.
The pages show these records, and a test compares them with the stories and versions as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reference_model import Release
from reference_model.catalogue import UNDEFINED, Observations, Story, stories
from reference_model.outputs import write_whole

from .digests import digest, go_digest, twin_digest
from .files import KERNELS, LICENCE

VERSIONS = {"twins": ("C", twin_digest), "go": ("Go", go_digest)}
"""The parts of a record that hold versions in other languages, with the digest of each."""

Record = dict[str, Any]
"""A kernel, and what it answered, as a file holds them."""


def read(folder: Path = KERNELS) -> Iterator[Record]:
    """The records, oldest kernel first."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    yield from sorted(found, key=lambda record: Release(record["kernel"]["version"]))


def debian(folder: Path = KERNELS) -> list[str]:
    """The recorded kernels that Debian built, which can be asked again; oldest first."""
    kernels = (record["kernel"] for record in read(folder))
    return [kernel["version"] for kernel in kernels if kernel["package"]]


def write(record: Record, folder: Path = KERNELS) -> Path:
    """Write the record of a kernel; the file."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{record['kernel']['version']}.json"
    data = {"LICENSE": LICENCE, **record}
    text = json.dumps(data, indent=1, sort_keys=True) + "\n"
    write_whole(path, text)
    return path


def add(made: Record, folder: Path = KERNELS) -> Path:
    """Write what a kernel answered; a story or C version without an answer keeps an earlier one."""
    known: dict[str, Story] = stories()
    merged = dict(made)
    for earlier in read(folder):
        if earlier["kernel"] == made["kernel"]:
            for part in ("stories", *VERSIONS):
                kept = {n: one for n, one in earlier.get(part, {}).items() if n in known}
                merged[part] = {**kept, **made.get(part, {})}
    return write(merged, folder)


def differences(record: Record) -> Iterator[str]:
    """Where what ran as it is now does not agree with the stories, in words."""
    version = record["kernel"]["version"]
    known: dict[str, Story] = stories()
    for name, data in record["stories"].items():
        if name not in known:
            yield f"{version}: {name}: there is no such story any more"
        elif data["digest"] == digest(known[name]):
            wanted = expected(known[name], version)
            if not agrees(data["observed"], wanted):
                yield f"{version}: {name}: observed {data['observed']}, expected {wanted}"
    for part, (language, current) in VERSIONS.items():
        for name, data in record.get(part, {}).items():
            if name not in known:
                yield f"{version}: {name}: there is no such story any more"
            elif data["differs"] and data["digest"] == current(name):
                yield f"{version}: {name}: the version in {language} differs: {data['differs']}"


def expected(story: Story, kernel: str) -> Any:
    """What a story must observe on a kernel, as JSON gives it back."""
    return json.loads(json.dumps(story.expected(kernel).seen))


def agrees(seen: Observations, wanted: Observations) -> bool:
    """Whether a kernel did what is expected of it, which from an undefined outcome on is anything.

    >>> agrees({"attach": "ok", "packet": "ok"}, {"attach": "ok", "packet": "undefined"})
    True
    """
    return defined(seen, wanted) == defined(wanted, wanted)


def defined(seen: Observations, wanted: Observations) -> Observations:
    """What was observed before the label whose outcome is undefined."""
    labels = list(wanted)
    values = list(wanted.values())
    if UNDEFINED not in values:
        return dict(seen)
    return {label: seen[label] for label in labels[: values.index(UNDEFINED)] if label in seen}
