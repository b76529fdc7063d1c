# SPDX-License-Identifier: GPL-2.0-only
"""Names of files cannot send control characters to a terminal."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest

from reference_model.__main__ import main
from reference_model.terminal import Guarded, escaped

RED = "a\x1b[31m\nb"
SHOWN = r"a\x1b[31m\nb"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (RED, SHOWN),
        ("a b\u00e9", "a b\u00e9"),
        ("\udcff", r"\udcff"),
        ("\u202e", r"\u202e"),
        ("\x9b", r"\x9b"),
    ],
)
def test_what_cannot_be_printed_is_escaped(text: str, shown: str) -> None:
    assert escaped(text) == shown


@pytest.mark.parametrize(
    ("word", "text", "shown"),
    [
        (f"/tmp/{RED}", f"/tmp//{RED} is missing\n", f"/tmp//{SHOWN} is missing\n"),
        (f"--json={RED}", f"{RED} is missing\n", f"{SHOWN} is missing\n"),
        ("\n", "one\ntwo\n", "one\ntwo\n"),
        ("x", "\x1b[0m", r"\x1b[0m"),
        ("x", "\r50 %\r", "\r50 %\\r"),
        ("x", "\tx", "\tx"),
        ("x", "\u061cx\u200b\ufeff", r"\u061cx\u200b\ufeff"),
    ],
)
def test_a_stream_shows_escapes(word: str, text: str, shown: str) -> None:
    stream = StringIO()
    Guarded(stream, [word])
    print(text, end="", file=stream)
    assert stream.getvalue() == shown


def test_the_first_error_of_writing_is_kept() -> None:
    class Full(StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "full")

    stream = Full()
    guarded = Guarded(stream, [])
    with pytest.raises(OSError, match="full"):
        stream.write("x")
    assert guarded.lost is not None


def test_a_report_shows_the_names_that_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / RED).mkdir()
    (tmp_path / RED / "a.c").write_text("bpf_prog_attach(); /* -EBUSY \x1b[0m */\n")
    assert main(["check", "--source", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert rf"{tmp_path}/{SHOWN}/a.c:1: bpf_prog_attach(); /* -EBUSY \x1b[0m */" in printed
    assert "\x1b" not in printed
