# SPDX-License-Identifier: GPL-2.0-only
"""What pip installs: the model alone, one dependency, and one command."""

from __future__ import annotations

import tomllib
import zipfile
from pathlib import Path

import flit_core.buildapi
import pytest

import reference_model

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return zipfile.ZipFile(folder / flit_core.buildapi.build_wheel(str(folder)))


def metadata(wheel: zipfile.ZipFile, name: str) -> list[str]:
    (found,) = (path for path in wheel.namelist() if path.endswith(f".dist-info/{name}"))
    return wheel.read(found).decode().splitlines()


def test_it_holds_the_model_alone(wheel: zipfile.ZipFile) -> None:
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    files = (ROOT / "reference_model").rglob("*")
    wanted = {path for path in files if path.is_file() and path.suffix in (".py", ".json")}
    assert held == {path.relative_to(ROOT).as_posix() for path in wanted}


def test_it_has_the_version_of_the_model(wheel: zipfile.ZipFile) -> None:
    assert f"Version: {reference_model.__version__}" in metadata(wheel, "METADATA")


def test_it_needs_one_package_in_the_version_that_the_tests_use(wheel: zipfile.ZipFile) -> None:
    (needed,) = PROJECT["dependencies"]
    assert f"Requires-Dist: {needed}" in metadata(wheel, "METADATA")
    assert needed in (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines()


def test_it_has_one_command(wheel: zipfile.ZipFile) -> None:
    lines = metadata(wheel, "entry_points.txt")
    assert "cgroup-storage=reference_model.__main__:installed" in lines
