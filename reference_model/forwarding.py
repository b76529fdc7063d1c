# SPDX-License-Identifier: GPL-2.0-only
"""A kernel that forwards each call to another one, so that a subclass can watch the calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from .interface import KernelInterface as Interface

C = TypeVar("C", bound=Callable[..., Any])


def _forwarded(call: C) -> C:
    """The method that forwards a call of the interface."""
    name = call.__name__

    @wraps(call)
    def method(self: Forwarder, *args: Any, **kwargs: Any) -> Any:
        return self._forward(name, getattr(self._kernel, name), args, kwargs)

    return cast(C, method)


class Forwarder(Interface):
    """The interface of ``kernel``; a subclass overrides _forward()."""

    def __init__(self, kernel: Interface) -> None:
        self._kernel = kernel
        self.cpus = kernel.cpus

    def _forward(
        self, name: str, act: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Forward one call and return what the kernel returns."""
        return act(*args, **kwargs)

    mkdir = _forwarded(Interface.mkdir)
    rmdir = _forwarded(Interface.rmdir)
    fire = _forwarded(Interface.fire)
    run_hooks = _forwarded(Interface.run_hooks)
    socket = _forwarded(Interface.socket)
    close_socket = _forwarded(Interface.close_socket)
    prog_test_run = _forwarded(Interface.prog_test_run)
    map_create = _forwarded(Interface.map_create)
    map_lookup_elem = _forwarded(Interface.map_lookup_elem)
    map_update_elem = _forwarded(Interface.map_update_elem)
    map_delete_elem = _forwarded(Interface.map_delete_elem)
    map_get_next_key = _forwarded(Interface.map_get_next_key)
    map_lookup_and_delete_elem = _forwarded(Interface.map_lookup_and_delete_elem)
    map_lookup_batch = _forwarded(Interface.map_lookup_batch)
    map_lookup_and_delete_batch = _forwarded(Interface.map_lookup_and_delete_batch)
    map_update_batch = _forwarded(Interface.map_update_batch)
    map_delete_batch = _forwarded(Interface.map_delete_batch)
    map_freeze = _forwarded(Interface.map_freeze)
    cgrp_storage_get = _forwarded(Interface.cgrp_storage_get)
    cgrp_storage_delete = _forwarded(Interface.cgrp_storage_delete)
    prog_load = _forwarded(Interface.prog_load)
    prog_bind_map = _forwarded(Interface.prog_bind_map)
    prog_attach = _forwarded(Interface.prog_attach)
    prog_detach = _forwarded(Interface.prog_detach)
    prog_query = _forwarded(Interface.prog_query)
    link_create = _forwarded(Interface.link_create)
    link_update = _forwarded(Interface.link_update)
    link_detach = _forwarded(Interface.link_detach)
    map_get_fd_by_id = _forwarded(Interface.map_get_fd_by_id)
    prog_get_fd_by_id = _forwarded(Interface.prog_get_fd_by_id)
    link_get_fd_by_id = _forwarded(Interface.link_get_fd_by_id)
    map_get_next_id = _forwarded(Interface.map_get_next_id)
    prog_get_next_id = _forwarded(Interface.prog_get_next_id)
    link_get_next_id = _forwarded(Interface.link_get_next_id)
    obj_info = _forwarded(Interface.obj_info)
    link_info = _forwarded(Interface.link_info)
    close = _forwarded(Interface.close)
    dup = _forwarded(Interface.dup)
    obj_pin = _forwarded(Interface.obj_pin)
    obj_get = _forwarded(Interface.obj_get)
    unlink = _forwarded(Interface.unlink)
    user = _forwarded(Interface.user)
    fail_next = _forwarded(Interface.fail_next)
    check_invariants = _forwarded(Interface.check_invariants)
