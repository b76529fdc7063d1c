# SPDX-License-Identifier: GPL-2.0-only
"""Sphinx configuration of the site; the pages are in docs/.

Used as ``sphinx-build -c . docs build/html``, by ``make html`` and ``make doctest``.
"""

import doctest
import gc
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]
# Our own: each module in docs/_ext, and the package of the stories.
EXTENSIONS = [*sorted(path.stem for path in (ROOT / "docs" / "_ext").glob("*.py")), "stories"]

# Pages are trees of many nodes that live long: looking for garbage often costs a tenth of a build.
gc.set_threshold(100_000, 50, 100)

project = "BPF cgroup storage"
author = "the contributors"
project_copyright = "the contributors; GPL-2.0-only, examples also BSD-2-Clause"
language = "en"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.extlinks",
    "sphinx.ext.viewcode",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_rtd_theme",
    *EXTENSIONS,
]
exclude_patterns = ["_ext", "_static", "_templates", "examples"]
templates_path = ["docs/_templates"]

# Every reference must resolve. The standard library is described elsewhere, and a build needs no
# network: its names are the only ones that may stay plain text.
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", rf"({'|'.join(sorted(sys.stdlib_module_names))})(\..+)?")]

# Doctests: an example that promises EINVAL fails when the model raises EBUSY, so Sphinx's default
# of IGNORE_EXCEPTION_DETAIL must not come back.
doctest_default_flags = doctest.ELLIPSIS | doctest.DONT_ACCEPT_TRUE_FOR_1
doctest_show_successes = False
strict_doctest_modules = [
    *("reference_model", "records", "playground", "upstream", "common"),
    *EXTENSIONS,
]
strict_doctest_files = ["README.md"]
strict_doctest_floor = "docs/doctest_floor.txt"

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True

extlinks = {
    "commit": ("https://git.kernel.org/torvalds/c/%s", "%s"),
    "lore": ("https://lore.kernel.org/bpf/%s/", "%s"),
}
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

man_pages = [
    ("map_cgroup_storage", "bpf-cgroup-storage", "BPF maps with a value per cgroup", author, 7)
]

html_theme = "sphinx_rtd_theme"
html_theme_options = {
    "navigation_depth": 3,
    "style_external_links": False,
    "titles_only": True,  # the sections of a page are beside it: see docs/_templates/layout.html
}
html_title = "BPF cgroup storage"
html_baseurl = os.environ.get("READTHEDOCS_CANONICAL_URL", "")
repository = os.environ.get("REPOSITORY", "")  # where files can be edited, such as .../blob/main
html_static_path = ["docs/_static"]
html_css_files = ["custom.css"]
