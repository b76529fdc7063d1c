# SPDX-License-Identifier: GPL-2.0-only
"""A mistake that ends a build is one sentence with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from sphinx._cli.util import errors
from sphinx.cmd.build import main

from docs import build_pages

MISTAKES = {
    "x = (": ": conf.py:3: '(' was never closed",
    "extensions.append('no_such')": ": conf.py:3: Could not import extension no_such (exception: "
    "No module named 'no_such')",
    "html_theme = 'no_such'": ": conf.py:3: no theme named 'no_such' found (missing theme.toml?)",
    "extensions.append(no_such)": ": conf.py:3: NameError: name 'no_such' is not defined",
    "extensions.append('ours')": ": ours.py:2: '(' was never closed",
    "\0": " error in your configuration file: source code string cannot contain null bytes",
}


@pytest.mark.parametrize(("line", "said"), MISTAKES.items())
def test_a_mistake_is_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: str,
    said: str,
) -> None:
    (tmp_path / "conf.py").write_text(f"extensions = []\n\n{line}\n")
    (tmp_path / "ours.py").write_text("\nx = (\n")
    (tmp_path / "index.rst").write_text("Title\n=====\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(build_pages, "ROOT", tmp_path)
    monkeypatch.setattr(errors, "handle_exception", build_pages.say)
    assert main(["-q", str(tmp_path), str(tmp_path / "out")]) == 2
    first, *rest = capsys.readouterr().err.splitlines()
    assert first.startswith("The site was not built: ")
    assert first.endswith(said)
    assert all(line.startswith("The traceback is in ") for line in rest)


def test_a_style_sheet_that_does_not_exist_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "conf.py").write_text(
        "extensions = ['offline']\nhtml_css_files = ['no_such.css']\n"
    )
    (tmp_path / "index.rst").write_text("Title\n=====\n")
    assert main(["-q", "-W", str(tmp_path), str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "conf.py names no_such.css, which html_static_path does not have" in said


def test_what_autodoc_cannot_import_is_named_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "conf.py").write_text("extensions = ['sphinx.ext.autodoc', 'mistakes']\n")
    (tmp_path / "index.rst").write_text("Title\n=====\n\n.. autofunction:: json.no_such\n")
    assert main(["-q", "-W", str(tmp_path), str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    place = f"{tmp_path / 'index.rst'}:4: WARNING: "
    assert f"{place}autodoc: failed to import 'no_such' from module 'json': Attribute" in said
    assert "Traceback" not in said
