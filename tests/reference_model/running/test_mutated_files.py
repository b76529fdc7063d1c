# SPDX-License-Identifier: GPL-2.0-only
"""Files of bpftool, changed anywhere to anything, are reported or refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_mutated import JSON, RAW, mutated, places
from test_bpftool import FILES

from reference_model.__main__ import main
from reference_model.user_error import UserError

CHANGED = [name for name, data in FILES.items() if not isinstance(data, str)]


def report(folder: Path) -> None:
    """Report what the files in a folder say; UserError in one line, in words for a user."""
    try:
        main(["check", "--running", "--verbose", *(str(folder / name) for name in FILES)])
    except UserError as error:
        said = str(error)
        assert "\n" not in said
        assert not RAW.search(said), said


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_mutated_file(tmp_path: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(CHANGED))
    path = data.draw(st.sampled_from(places(FILES[name])))
    how = data.draw(st.sampled_from(["replace", "replace", "remove", "double"]))
    made = mutated(FILES[name], path, how, data.draw(JSON))
    for other, told in {**FILES, name: made}.items():
        (tmp_path / other).write_text(told if isinstance(told, str) else json.dumps(told))
    report(tmp_path)


@pytest.mark.parametrize(
    "told",
    [b"", b"\xff", b"\xef\xbb\xbf[]", b"[" * 100_000, b"1" * 5_000, b'[{"key": ["0x100"]}]', b"\0"],
)
def test_bytes_that_are_no_json(told: bytes, tmp_path: Path) -> None:
    for other, data in FILES.items():
        (tmp_path / other).write_text(data if isinstance(data, str) else json.dumps(data))
    (tmp_path / "tree.json").write_bytes(told)
    report(tmp_path)
