# SPDX-License-Identifier: GPL-2.0-only
"""The doctests of the site cannot pass by accident: a small site shows each way to fail."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[2]

# The small site is built with the flags and the builder of the real one.
CONF = f"""
import runpy, sys
sys.path.insert(0, {str(ROOT / "docs" / "_ext")!r})
real = runpy.run_path({str(ROOT / "conf.py")!r})
doctest_default_flags = real["doctest_default_flags"]
extensions = ["sphinx.ext.autodoc", "myst_parser", "strict_doctest"]
strict_doctest_modules = ["sample"]
strict_doctest_files = ["README.md"]
strict_doctest_floor = "floor.txt"
exclude_patterns = ["README.md"]
"""

SAMPLE = '''
"""A package whose one operation is refused."""

from errno import errorcode


class Refusal(OSError):
    def __str__(self):
        return f"[Errno {self.errno}] {errorcode[self.errno]}: {self.strerror}"


def attach():
    raise Refusal(16, "the map is bound to another program")


class Storage:
    size = 8
    """Bytes of its value.

    >>> Storage.size
    8
    """
'''

EBUSY = """
>>> import sample
>>> sample.attach()
Traceback (most recent call last):
sample.Refusal: [Errno 16] EBUSY: the map is bound to another program
"""


@dataclass
class Site:
    """A site in a directory: pages to write, and builds to run."""

    path: Path

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")

    def build(self, builder: str = "doctest", *options: str) -> tuple[int, str]:
        """The exit status of sphinx-build, and what it said."""
        command = [sys.executable, "-m", "sphinx", "-q", "-E", "-n", "-W", "--keep-going"]
        result = subprocess.run(
            [*command, "-b", builder, *options, ".", f"build/{builder}"],
            cwd=self.path,
            env={**os.environ, "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return result.returncode, result.stdout


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site that passes: five examples, two pages, one package."""
    site = Site(tmp_path)
    site.write("conf.py", CONF)
    site.write("sample/__init__.py", SAMPLE)
    site.write("index.rst", "Page\n====\n" + EBUSY + "\n.. toctree::\n\n   api\n")
    site.write("api.rst", "API\n===\n\n.. automodule:: sample\n   :members:\n")
    site.write("README.md", "# Read me\n\n```python\n>>> 1 + 1\n2\n```\n")
    site.write("floor.txt", "# the floor\n4\n")
    return site


def places(output: str) -> set[str]:
    """The places of failed examples, as file:line."""
    found = re.findall(r'(?m)^File "(.+)", line (.+), in', output)
    return {f"{file}:{line}" for file, line in found}


def test_a_right_site_passes(site: Site) -> None:
    status, output = site.build()
    assert output.strip() == (
        "4 examples ran (2 of them outside the pages), all as written; the floor is 4"
    )
    assert status == 0
    assert site.build("html") == (0, "")


def test_the_site_is_built_with_the_strict_builder() -> None:
    conf = runpy.run_path(str(ROOT / "conf.py"))
    assert "strict_doctest" in conf["extensions"]
    assert "reference_model" in conf["strict_doctest_modules"]
    assert conf["strict_doctest_floor"] == "docs/doctest_floor.txt"


def test_another_errno_than_promised_fails(site: Site) -> None:
    page = site.path / "index.rst"
    page.write_text(page.read_text().replace("[Errno 16] EBUSY", "[Errno 22] EINVAL"))
    status, output = site.build()
    assert status == 1
    assert places(output) == {"index.rst:5"}
    assert "sample.Refusal: [Errno 22] EINVAL: the map" in output, "what was expected"
    assert "sample.Refusal: [Errno 16] EBUSY: the map" in output, "what it got"


def test_failures_name_their_file_and_line(site: Site) -> None:
    site.write(
        "index.rst",
        """
        Page
        ====

        Plain:

        >>> "rst plain"

        .. doctest::
           :options: +NORMALIZE_WHITESPACE

           >>> "rst directive"

        .. note::

           * In a list:

             >>> "rst nested"

        .. include:: included.txt

        .. toctree::

           api
           markdown
        """,
    )
    site.write("included.txt", 'Included:\n\n>>> "included"\n')
    site.write(
        "markdown.md",
        """
        # Page

        ```{doctest}
        >>> "md directive"
        ```

        ```{note}
        Inside:

        ```{doctest}
        :options: +NORMALIZE_WHITESPACE

        >>> "md nested"
        ```
        """,
    )
    site.write("README.md", '# Read me\n\n```python\n>>> "readme"\n```\n')
    site.write(
        "sample/__init__.py",
        '''
        """A package.

        >>> "docstring of a package"
        """

        from functools import cached_property

        class Storage:
            """A class.

            >>> "docstring of a class"
            """

            size = 8
            """An attribute.

            >>> "docstring of an attribute"
            """

            @cached_property
            def key(self):
                """A property.

                >>> "docstring of a property"
                """

            def _hidden(self):
                """No page shows this.

                >>> "docstring that is not shown"
                """
        ''',
    )
    site.write("sample/part.py", '"""No page shows this.\n\n>>> "docstring of a module"\n"""\n')
    site.write("other.py", '"""Not in the packages.\n\n>>> "docstring elsewhere"\n"""\n')
    with (site.path / "api.rst").open("a") as page:
        page.write("\n.. automodule:: other\n")

    status, output = site.build()

    assert status == 1
    assert places(output) == {
        f"{path.relative_to(site.path)}:{number}"
        for path in site.path.rglob("*.*")
        if path.suffix in {".rst", ".md", ".txt", ".py"}
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if ">>>" in line
    }
    assert len(places(output)) == 14
    assert "14 examples ran" in output, "each once"


UNSOUND = {
    "literal block": ("rst", 7, "Text::\n\n   $ python\n   >>> 1\n   1\n"),
    "code block": ("rst", 6, ".. code-block:: pycon\n\n   >>> 1\n   1\n"),
    "parsed literal": ("rst", 6, ".. parsed-literal::\n\n   >>> 1\n"),
    "no blank line before": ("rst", 5, "Text:\n>>> 1\n1\n"),
    "literal include": ("rst", 4, ".. literalinclude:: other.py\n"),
    "docstring": ("py", 2, ".. automodule:: other\n"),
    "skipped": ("rst", 4, ">>> 1  # doctest: +SKIP\n1\n"),
    "skipped by the directive": ("rst", 7, ".. doctest::\n   :options: +SKIP\n\n   >>> 1\n"),
    "skipped under a condition": ("rst", 7, ".. doctest::\n   :skipif: True\n\n   >>> 1\n"),
    "hidden": ("rst", 7, ".. doctest::\n   :hide:\n\n   >>> 1\n   1\n"),
    "any text of the error": ("rst", 4, ">>> 1/0  # doctest: +IGNORE_EXCEPTION_DETAIL\n"),
    "hidden preparation": ("rst", 6, ".. testsetup::\n\n   x = 1\n"),
    "nothing to run": ("rst", 6, ".. doctest::\n\n   >> 1\n   1\n"),
    "Markdown fence": ("md", 4, "```python\n>>> 1\n1\n```\n"),
    "Markdown fence without a language": ("md", 4, "```\n>>> 1\n1\n```\n"),
    "Markdown text": ("md", 5, "Text:\n\n>>> 1\n"),
}


@pytest.mark.parametrize("builder", ["html", "doctest"])
def test_an_example_that_is_not_run_fails_the_build(site: Site, builder: str) -> None:
    """Each of the blocks above stands on a page of its own, or in a module that the page shows."""
    pages, expected = [], set()
    for number, (name, (where, line, text)) in enumerate(UNSOUND.items()):
        page = f"page{number}.md" if where == "md" else f"page{number}.rst"
        title = f"# {name}\n\n" if where == "md" else f"{name}\n{'=' * len(name)}\n\n"
        site.write(page, title + text.replace("other", f"other{number}"))
        pages.append(f"   page{number}\n")
        site.write(f"other{number}.py", '"""Text::\n    >>> 1\n"""\n')
        expected.add(f"other{number}.py:{line}" if where == "py" else f"{page}:{line}")
    with (site.path / "index.rst").open("a") as index:
        index.writelines(pages)

    status, output = site.build(builder)

    assert status == 1
    assert set(re.findall(r"^(\S+:\d+): WARNING", output, re.MULTILINE)) == expected


def test_a_docstring_that_no_page_shows_may_not_skip(site: Site) -> None:
    site.write("sample/part.py", '"""Text.\n\n>>> 1  # doctest: +SKIP\n"""\n')
    status, output = site.build()
    assert status == 1
    assert "sample/part.py:3: WARNING: this example is skipped" in output


def test_mentioning_the_prompt_is_no_example(site: Site) -> None:
    site.write("api.rst", "API\n===\n\nType ``>>> 1`` at the prompt, >>> that is.\n")
    assert site.build("html") == (0, "")


def test_fewer_examples_than_before_fail(site: Site) -> None:
    site.write("README.md", "# Read me\n")
    status, output = site.build()
    assert status == 1
    assert "only 3 examples ran; 4 did before" in output


def test_a_floor_far_below_the_count_fails_and_can_be_raised(site: Site) -> None:
    site.write("README.md", "```\n" + ">>> 1\n1\n" * 12 + "```\n")
    status, output = site.build()
    assert status == 1
    assert "the floor is far below the 15 examples: `make raise-floor`" in output

    status, output = site.build("doctest", "-D", "strict_doctest_raise=1")
    assert status == 0
    assert "the floor rose from 4 to 15" in output
    assert (site.path / "floor.txt").read_text() == "# the floor\n15\n"


def test_raising_the_floor_never_lowers_it(site: Site) -> None:
    site.write("floor.txt", "9\n")
    status, output = site.build("doctest", "-D", "strict_doctest_raise=1")
    assert status == 1
    assert "only 4 examples ran; 9 did before" in output
    assert (site.path / "floor.txt").read_text() == "9\n"


def test_a_floor_that_is_no_number_is_named(site: Site) -> None:
    site.write("floor.txt", "# many\n")
    status, output = site.build()
    assert status == 2
    assert "floor.txt needs one line that is a number" in output


def test_a_failing_example_does_not_raise_the_floor(site: Site) -> None:
    site.write("README.md", "```\n>>> 1\n2\n>>> 3\n3\n```\n")
    status, _ = site.build("doctest", "-D", "strict_doctest_raise=1")
    assert status == 1
    assert (site.path / "floor.txt").read_text() == "# the floor\n4\n"


def test_the_floor_counts_the_whole_site_only(site: Site) -> None:
    status, output = site.build("doctest")
    assert status == 0
    result = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-b", "doctest", ".", "build/doctest", "index.rst"],
        cwd=site.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0
    assert "floor" not in result.stdout
