# SPDX-License-Identifier: GPL-2.0-only
"""Which kernel it was: what results, records and reports say of a kernel that was asked."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """The identity of a kernel."""

    version: str
    """The version as the model writes it, such as ``"6.1.192"``."""
    release: str
    """What ``uname -r`` says."""
    package: str = ""
    """The Debian package; empty if it is a kernel of the user's own."""
    package_version: str = ""
    config_sha256: str = ""
    """The hash of the configuration; empty if unknown."""

    def as_json(self) -> dict[str, str]:
        """The identity as records hold it."""
        return dataclasses.asdict(self)
