# SPDX-License-Identifier: GPL-2.0-only
"""The executor: answers the operations of traces on the kernel that runs.

Runs in a guest.  Reads traces from the second serial port, lines of JSON as ``conversation`` packs
them, does each with a fresh set of objects on a LinuxKernel, and writes one line for each::

    {"id": "s1-0003", "answers": ["ok", "EBUSY"], "seconds": 0.1}

``broke`` in it says what kept it from answering all: that the kernel warned, or that the executor
cannot do an operation.  A kernel that crashes says nothing more.
"""

import base64
import json
import os
import sys
import termios
import time
import traceback
import zlib
from collections.abc import Iterator
from typing import Any

from reference_model import KernelInterface, UndefinedBehaviour, traces

PORT = "/dev/ttyS1"
EOF, READY = "\x04", "ready"


def answers(kernel: KernelInterface, ops: list[traces.Op]) -> tuple[list[traces.Answer], str]:
    """The kernel's answers to the operations, and what broke on the way, or nothing."""
    replayer = traces.Replayer(kernel)
    given: list[traces.Answer] = []
    broke = ""
    try:
        for op in ops:
            given.append(replayer.answer(op))
    except NotImplementedError as error:
        broke = f"not run: {error}"
    except UndefinedBehaviour as error:  # a model in the kernel's place
        broke = f"the kernel broke: {error}"
    except Exception:
        broke = f"the executor failed: {traceback.format_exc()}"
    replayer.answer({"op": "user", "capabilities": None})
    return given, broke


def run(line: str) -> dict[str, Any]:
    """Do the trace of a line on the running kernel."""
    from reference_model.linux import LinuxKernel

    data = json.loads(line)
    begun = time.perf_counter()
    with LinuxKernel(allow_unsafe=True, **data.get("setup", {})) as kernel:
        given, broke = answers(kernel, data["ops"])
        try:
            kernel.check_invariants()
        except AssertionError as error:
            broke = str(error)
    seconds = round(time.perf_counter() - begun, 4)
    return {"id": data["id"], "answers": given, "broke": broke, "seconds": seconds}


def lines() -> Iterator[str]:
    """What comes over the port, until EOF."""
    port = os.open(PORT, os.O_RDONLY | os.O_NOCTTY)
    with open(port, encoding="utf-8") as incoming:
        for line in incoming:
            if line.strip("\n") == EOF:
                return
            yield zlib.decompress(base64.b64decode(line)).decode()


def main() -> int:
    """Answer until there is nothing more to do."""
    print(READY)
    for line in lines():
        try:
            answer = run(line)
        except Exception:
            answer = {"id": "", "answers": [], "broke": traceback.format_exc(), "seconds": 0}
        print(json.dumps(answer))
        termios.tcdrain(1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
