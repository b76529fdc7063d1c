# SPDX-License-Identifier: GPL-2.0-only
"""Runs in a guest: asks its kernel the questions of the probe, and prints the answers as JSON.

What the answers mean is found outside of the guest, whose emulated processors are slow.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from reference_model.probe import asking, questions


def main() -> int:
    """Ask all questions; return the exit status."""
    print(json.dumps(asdict(asking.ask(questions.read()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
