# SPDX-License-Identifier: GPL-2.0-only
"""The interface of a kernel, and the parts that implement it, in one order."""

from __future__ import annotations

import pytest

from reference_model import Kernel
from reference_model.forwarding import Forwarder
from reference_model.interface import CALLS, GROUPS
from reference_model.linux import LinuxKernel
from reference_model.linux.parts import LinuxPart
from reference_model.parts import KernelPart

KERNELS: dict[type, type] = {Kernel: KernelPart, LinuxKernel: LinuxPart}
"""Each kernel with the class of declarations that its parts inherit."""

PLACE = {name: place for place, names in enumerate(GROUPS.values()) for name in names}
"""The place of the group of each call."""


def shown(part: type) -> set[str]:
    """The names that help() shows of a class itself."""
    return {name for name, found in vars(part).items() if callable(found) and name[0] != "_"}


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_parts_of_a_kernel_are_the_groups_of_the_interface(kernel: type) -> None:
    """In the same order, so that help() shows them like that; no group is in two places."""
    places = [
        sorted({PLACE[name] for name in shown(part) & PLACE.keys()}) for part in kernel.__bases__
    ]
    assert all(len(found) <= 1 for found in places)
    flat = [place for found in places for place in found]
    assert flat == sorted(flat)
    assert set(flat) == {
        place for place, names in enumerate(GROUPS.values()) if "user" not in names
    }


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_part_inherits_the_declarations_alone(kernel: type) -> None:
    assert {part.__bases__ for part in kernel.__bases__} == {(KERNELS[kernel],)}


@pytest.mark.parametrize("kernel", KERNELS)
def test_help_shows_calls_alone(kernel: type) -> None:
    """The model adds value_size_limit(), and a real kernel shutdown()."""
    own = {
        name
        for part in (kernel, *kernel.__bases__, *KERNELS[kernel].__bases__)
        for name in shown(part)
    }
    assert own - set(CALLS) <= {"value_size_limit", "shutdown"}


def test_each_call_is_forwarded() -> None:
    assert shown(Forwarder) == set(CALLS)
