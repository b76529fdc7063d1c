# SPDX-License-Identifier: GPL-2.0-only
"""``sphinx-build``, where an error that ends the build is one sentence with file and line.

Sphinx itself prints its versions, its extensions and a traceback.  Those are in a file, which the
sentence names unless the mistake is in ``conf.py`` or a page.
"""

from __future__ import annotations

import re
import sys
import traceback
from pathlib import Path
from typing import Any

from sphinx._cli.util import errors
from sphinx.cmd.build import main
from sphinx.errors import SphinxError

ROOT = Path(__file__).parents[1]


def sentence(error: BaseException, root: Path) -> str:
    """Return what is wrong, and where: the last line of the project's own that ran."""
    cause = error
    while (behind := getattr(cause, "orig_exc", None) or cause.__cause__) is not None:
        cause = behind
    if isinstance(cause, SyntaxError) and cause.filename:
        return f"{shown(cause.filename, root)}:{cause.lineno}: {cause.msg}"
    frames = own_frames(cause, root)
    if isinstance(error, SphinxError) and (cause is error or not frames):
        text, traced, _ = str(error).partition("Traceback (")
        text = " ".join(f"{text} {cause if traced else ''}".split())
        return f"{named_in_conf(text, root)}{text}"
    where = f"{shown(frames[-1].filename, root)}:{frames[-1].lineno}: " if frames else ""
    return f"{where}{type(cause).__name__}: {' '.join(str(cause).split())}"


def own_frames(error: BaseException, root: Path) -> list[traceback.FrameSummary]:
    """Return the calls in files of the project that led to an error."""
    return [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(root)
        and ".venv" not in frame.filename
        and Path(frame.filename) != Path(__file__)
    ]


def shown(path: str, root: Path) -> str:
    """Return a file as it is typed in the project."""
    found = Path(path)
    return str(found.relative_to(root)) if found.is_relative_to(root) else path


def named_in_conf(text: str, root: Path) -> str:
    """Return the line of ``conf.py`` that names what a sentence quotes, if there is one."""
    conf = root / "conf.py"
    lines = conf.read_text(encoding="utf-8").splitlines() if conf.is_file() else []
    for name in re.findall(r"'([^']+)'", text):
        for number, line in enumerate(lines, start=1):
            if f'"{name}"' in line or f"'{name}'" in line:
                return f"conf.py:{number}: "
    return ""


def say(error: BaseException, **more: Any) -> None:
    """Print the sentence in place of Sphinx's report."""
    if isinstance(error, KeyboardInterrupt):
        print("Interrupted: the site is not complete.", file=sys.stderr)
        return
    print(f"The site was not built: {sentence(error, ROOT)}", file=sys.stderr)
    if not isinstance(error, SphinxError):
        log = {key: more[key] for key in ("message_log", "extensions") if key in more}
        print(f"The traceback is in {errors.save_traceback(error, **log)}", file=sys.stderr)


if __name__ == "__main__":
    errors.handle_exception = say
    raise SystemExit(main(sys.argv[1:]))
