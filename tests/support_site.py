# SPDX-License-Identifier: GPL-2.0-only
"""A small site in a directory, with the model, the extensions and two stories of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from reference_model.catalogue import FOLDERS

ROOT = Path(__file__).parent.parent

CONF = """
import runpy, sys
from pathlib import Path
here = Path(__file__).parent
real = runpy.run_path(str(here / "real_conf.py"))
doctest_default_flags = real["doctest_default_flags"]
sys.path[:0] = [str(here), str(here / "docs" / "_ext")]
extensions = ["sphinx.ext.extlinks", "sphinx_design", *real["EXTENSIONS"]]
extlinks = real["extlinks"]
exclude_patterns = ["_ext", "_static"]
html_theme = "basic"
html_sidebars = {"**": []}
html_static_path = [str(here / "docs" / "_static")]
"""

INDEX = """
Site
====

.. glossary::

   proposal
      A word that the pages use.

.. toctree::

   history
   errors
   breaking_changes/index
   additions/index
   recipes/index
"""

CHANGE = '''
"""A breaking change."""

from ... import changes
from ...steps import Add
from ...uapi import BPF_CGROUP_INET_EGRESS, BPF_MAP_TYPE_CGROUP_STORAGE, BPF_PROG_TYPE_CGROUP_SKB
from ...values import STORAGE_KEY, U64
from ..story import BreakingChange, Evidence, Outcome, Sign


def run(kernel, observe):
    web, counts, count = _made(kernel)
    for label in ("first", "second"):
        kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS)
        kernel.fire(web, BPF_CGROUP_INET_EGRESS)
        observe(label, lambda: kernel.map_lookup_elem(counts, (web, BPF_CGROUP_INET_EGRESS)))


def _made(kernel):
    counts = kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, STORAGE_KEY, U64, map_name="counts")
    count = kernel.prog_load(BPF_PROG_TYPE_CGROUP_SKB, Add(counts), prog_name="count")
    return kernel.mkdir("web"), counts, count


def unused(kernel):
    pass


STORY = BreakingChange(
    title="Attaching goes on",
    nav="Attaching goes on",
    shown_by="user space",
    summary="""
The old values stay. So it is.
""",
    affects="both",
    affected="Everybody.",
    signs=(Sign("C", "attach", "calls that attach"),),
    fix="Write zeros.",
    details="""
Nothing zeroes them, see :story:`zero`.
""",
    run=run,
    outcomes=(
        Outcome(None, {"first": 1, "second": 1}, "kernel 5.8.18; cgroup.c:__cgroup_bpf_attach"),
        Outcome(changes.SHARED_STORAGE, {"first": 1, "second": 2}, "kernel 5.9.1"),
    ),
    before="5.8",
    after="5.9",
    symptoms=("a ``counter`` does not start at zero",),
    recipes=("zero",),
    evidence=(Evidence("override-replace", zero={6: "second"}),),
)
'''

RECIPE = '''
"""A recipe."""

from ...uapi import BPF_CGROUP_INET_EGRESS, BPF_EXIST
from ..story import Outcome, Promise, Recipe
from ..breaking_changes.again import _made


def old(kernel, observe):
    _run(kernel, observe, zero=False)


def run(kernel, observe):
    _run(kernel, observe, zero=True)


def _run(kernel, observe, zero):
    web, counts, count = _made(kernel)
    for label in ("first", "second"):
        kernel.prog_attach(web, count, BPF_CGROUP_INET_EGRESS)
        if zero:
            kernel.map_update_elem(counts, (web, BPF_CGROUP_INET_EGRESS), 0, BPF_EXIST)
        kernel.fire(web, BPF_CGROUP_INET_EGRESS)
        observe(label, lambda: kernel.map_lookup_elem(counts, (web, BPF_CGROUP_INET_EGRESS)))


STORY = Recipe(
    title="Write zeros",
    nav="Write zeros",
    shown_by="user space",
    problem="It goes on.",
    when="Always.",
    summary="Write zeros.",
    details="That is all.",
    run=run,
    old=old,
    outcomes=(Outcome(None, {"first": 1, "second": 1}, "local_storage.c"),),
    promises=(Promise("Begins at one", lambda seen: seen["second"] == 1),),
    pitfalls="None.",
)
'''


ADDITION = '''
"""An addition."""

from ... import changes
from ...uapi import BPF_MAP_TYPE_CGROUP_STORAGE
from ...values import U64
from ..story import Addition, Outcome


def run(kernel, observe):
    observe("create", lambda: kernel.map_create(BPF_MAP_TYPE_CGROUP_STORAGE, U64, U64))


STORY = Addition(
    title="Keys may be short",
    nav="Keys may be short",
    shown_by="user space",
    affects="both",
    summary="""
Keys of 8 bytes exist.
""",
    probe="Try it.",
    without="Take 16 bytes.",
    details="""
That is all.
""",
    run=run,
    outcomes=(
        Outcome(None, {"create": "EINVAL"}, "kernel 5.8.18"),
        Outcome(changes.KEY_IS_CGROUP_ID, {"create": "ok"}, "kernel 5.9.1"),
    ),
    symptoms=("EINVAL from an old kernel",),
)
'''


class Site:
    """Files to write, and builds to run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        model = path / "reference_model"
        ignore = shutil.ignore_patterns("*.pyc.*")  # byte code that is not whole yet
        shutil.copytree(ROOT / "reference_model", model, ignore=ignore)
        for folder in FOLDERS:
            for module in (model / "catalogue" / folder).glob("[!_]*.py"):
                module.unlink()
        for package in ("playground", "upstream"):
            shutil.copytree(ROOT / package, path / package, ignore=ignore)
        shutil.copytree(ROOT / "docs" / "_ext", path / "docs" / "_ext", ignore=ignore)
        shutil.copytree(ROOT / "docs" / "_static", path / "docs" / "_static")
        shutil.copytree(ROOT / "records" / "traces", path / "records" / "traces")
        for module in (ROOT / "records").glob("*.py"):
            shutil.copy(module, path / "records")
        self.write("records/races.json", "{}")
        shutil.copy(ROOT / "conf.py", path / "real_conf.py")
        for folder in FOLDERS:
            index = f"docs/{folder}/index.rst"
            text = (ROOT / index).read_text(encoding="utf-8")
            self.write(index, re.sub(r":story:`\w+`", ":story:`again`", text))
        self.write("conf.py", CONF)
        self.write("docs/index.rst", INDEX)
        self.write("docs/history.rst", "History\n=======\n\n.. changes::\n")
        self.write("docs/errors.rst", "Errors\n======\n")
        self.write("reference_model/catalogue/breaking_changes/again.py", CHANGE)
        self.write("reference_model/catalogue/additions/short.py", ADDITION)
        self.write("reference_model/catalogue/recipes/zero.py", RECIPE)

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def read(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        text = self.read(name)
        assert old in text
        self.write(name, text.replace(old, new))

    def build(self, builder: str = "html", *options: str) -> tuple[int, str]:
        """The exit status of sphinx-build, and what it said."""
        command = [sys.executable, "-m", "sphinx", "-c", ".", "-d", "trees", "-n", "-W"]
        result = subprocess.run(
            [*command, "--keep-going", "-b", builder, *options, "docs", f"build/{builder}"],
            cwd=self.path,
            env={**os.environ, "NO_COLOR": "1", "PYTHONPATH": str(self.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return result.returncode, result.stdout
