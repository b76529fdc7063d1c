# SPDX-License-Identifier: GPL-2.0-only
"""The pages about the check: its example is what the command prints, and its jobs run it."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from support_objects import EXAMPLES, compiled, needs_compiler

from reference_model.__main__ import main
from reference_model.catalogue import stories
from reference_model.checker import command
from reference_model.checker.facts import RULES

DOCS = EXAMPLES.parent
PAGE = (DOCS / "check.rst").read_text(encoding="utf-8")
IN_CI = (DOCS / "check_in_ci.rst").read_text(encoding="utf-8")


def block(page: str, begin: str) -> str:
    """The literal block that begins with a line, without its indentation."""
    lines = page[page.index(begin) :].splitlines()
    indent = len(page[: page.index(begin)].rpartition("\n")[2])
    inside = [lines[0]]
    for line in lines[1:]:
        if line.strip() and len(line) - len(line.lstrip()) < indent:
            break
        inside.append(line[indent:])
    return "\n".join(inside).rstrip() + "\n"


@needs_compiler
def test_the_example_is_what_the_command_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = "$ cgroup-storage check attach_types_share_with_8_byte_keys.bpf.o"
    source = (EXAMPLES / "attach_types_share_with_8_byte_keys.bpf.c").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    Path(begin.split()[-1]).write_bytes(compiled(source, "-g", head=""))
    main(["check", begin.split()[-1]])
    assert f"{begin}\n{capsys.readouterr().out}" == block(PAGE, begin)


@needs_compiler
def test_every_member_of_the_document_is_described(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    source = (EXAMPLES / "zero_explicitly.bpf.c").read_text(encoding="utf-8")
    Path("count.bpf.o").write_bytes(compiled(source, "-g", head=""))
    Path("agent.c").write_text("/* bpf */ int on = BPF_F_ALLOW_OVERRIDE;\n", encoding="utf-8")
    main(["check", "count.bpf.o", "--source", ".", "--json"])
    described = set(re.findall(r"``([a-z_]+)``", IN_CI))
    document = json.loads(capsys.readouterr().out)
    assert document["sources"][0]["signs"]
    assert set(members(document)) - described == set()


def members(value: object) -> Iterator[str]:
    """The names of all members, at any depth."""
    if isinstance(value, dict):
        yield from value
    for one in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from members(one)


def commands() -> Iterator[str]:
    """The commands of all jobs."""
    github, gitlab = (
        yaml.safe_load(dedent(text))
        for text in re.findall(r"code-block:: yaml\n\n((?:         .*\n|\n)+)", IN_CI)
    )
    yield from (step["run"] for step in github["jobs"]["check"]["steps"] if "run" in step)
    yield from gitlab["cgroup storage maps"]["script"]
    yield from block(IN_CI, "python3 -m venv .venv\n         .venv/bin/pip").splitlines()


def test_the_jobs_run_the_command() -> None:
    parser = argparse.ArgumentParser()
    command.add(parser.add_subparsers().add_parser("check"))
    runs = [shlex.split(line) for line in commands() if " check --" in line]
    assert len(runs) == 3
    for program, *arguments in runs:
        assert program.endswith("cgroup-storage")
        options = parser.parse_args(arguments)
        assert options.files
        assert options.source == ["."]
        assert (options.first, options.last) == ("5.10", "6.12")


def test_the_page_lists_what_an_object_shows() -> None:
    """Each story that has a rule is in the table, or is a guide beside one that is."""
    named = set(re.findall(r":story:`([a-z_0-9]+)`", PAGE))
    guides = {"one_object_for_all_kernels", "read_percpu_totals", "to_cgrp_storage"}
    ruled = {name for name, _ in RULES} & set(stories())
    assert ruled - named == guides
    assert named - ruled == {"update_concurrently"}
