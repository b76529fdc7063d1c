# SPDX-License-Identifier: GPL-2.0-only
"""``python -m records``: search all pairs in all worlds, and write the records.

With ``--traces FILE`` it writes the shortest programs of the record as traces, operations only, for
``python -m conformance.record OUT --ops FILE`` to ask real kernels.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from reference_model.catalogue import Recipe, stories
from reference_model.divergence.search import cores
from reference_model.export import line

from . import results
from .divergence import raced, searched, traces, write, write_races


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m records", description=__doc__)
    parser.add_argument("--jobs", type=int, default=cores(), metavar="N", help="(%(default)s)")
    parser.add_argument(
        "--recipes", action="store_true", help="only what recipes fare among others"
    )
    parser.add_argument("--traces", type=Path, metavar="FILE", help="write the programs instead")
    options = parser.parse_args()
    if options.traces:
        known = [record["kernel"]["version"] for record in results.read()]
        options.traces.write_text("".join(f"{line(one)}\n" for one in traces(known)))
        return 0
    names = list(stories(Recipe))
    with ProcessPoolExecutor(options.jobs) as pool:
        told = {}
        for name, one in zip(names, pool.map(raced, names), strict=True):
            told[name] = one
            print(f"{name}: {one['runs']:,} runs, {len(one['races'])} races", flush=True)
    write_races(told)
    if not options.recipes:
        write(searched(options.jobs, partial(print, flush=True)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
