# SPDX-License-Identifier: GPL-2.0-only
"""The helpers of CGRP_STORAGE maps, which no program made of steps can call."""

from __future__ import annotations

from typing import NoReturn

from ..cgroups import Cgroup
from ..maps import MapFd
from ..values import Value
from .parts import LinuxPart


class CgrpStorageHelpers(LinuxPart):
    """The two helpers: NotImplementedError."""

    def cgrp_storage_get(
        self, map: MapFd, cgroup: Cgroup | None, value: Value = None, flags: int = 0
    ) -> Value:
        return _no_helper("bpf_cgrp_storage_get")

    def cgrp_storage_delete(self, map: MapFd, cgroup: Cgroup | None) -> None:
        _no_helper("bpf_cgrp_storage_delete")


def _no_helper(name: str) -> NoReturn:
    raise NotImplementedError(
        f"{name}() takes a cgroup that the verifier knows, which no step can get hold of: it would "
        "take kfuncs and BTF"
    )
