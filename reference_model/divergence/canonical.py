# SPDX-License-Identifier: GPL-2.0-only
"""Canonical form of a state: states that differ only in ids or creation order have the same form.

It covers everything that an operation of the trace format can show, now or later.  Left out are
ids and the revisions of hooks, which no answer shows.  The parameters that an object was created
with are covered by the operation that created it.  No world has LSM hooks, so their slots are left
out: an LSM hook in a state is a ValueError here.
"""

from __future__ import annotations

import marshal
from hashlib import blake2b
from typing import Any

from ..attachments import Attachment, Hook
from ..cgroups import Cgroup, Socket
from ..cgrp_storage import CgrpStorageMap
from ..links import Link
from ..maps import Map, StorageMap
from ..prog_arrays import ProgArray
from ..programs import Program
from ..storages import Storage
from .side import Side

Form = tuple[object, ...]


def digest(form: Any) -> bytes:
    """Sixteen bytes that identify a form, the same in every process."""
    return blake2b(marshal.dumps(form, 2), digest_size=16).digest()


def form(side: Side, names: dict[str, str]) -> Form:
    """The canonical form of a side under other names."""
    return _Canonical(side, names).state()


class _Canonical:
    def __init__(self, side: Side, names: dict[str, str]) -> None:
        self.side = side
        self.kernel = side.kernel
        self.made = {names.get(name, name): thing for name, thing in side.made.items()}
        self.definitions = {names.get(n, n): op for n, op in side.definitions.items()}
        self.live = {names.get(name, name): thing for name, thing in side.live.items()}
        self.label: dict[object, str] = {self.kernel.root: "/"}
        for name in sorted(self.made):
            self.label.setdefault(self.made[name], name)

    def state(self) -> Form:
        """Everything."""
        kernel = self.kernel
        label = self.label
        return (
            [
                (name, self.definitions[name], _FORMS[type(thing)](self, thing))
                for name, thing in sorted(self.made.items())
            ],
            sorted(self.live),
            kernel.locked_pages if kernel.memlock is not None else 0,
            sorted(kernel.capabilities),
            sorted([(path, label[thing]) for path, thing in kernel.pins.items()]),
        )

    def cgroup(self, cgroup: Cgroup) -> Form:
        label = self.label
        return (
            cgroup.online,
            cgroup.released,
            cgroup.freed,
            cgroup.children,
            cgroup.unfreed_children,
            cgroup.sockets,
            sorted(
                [
                    (int(hook_id), self.hook(hook))
                    for hook_id, hook in cgroup.hooks.items()
                    if hook.attachments
                ]
            ),
            sorted([(label[m], bytes(data)) for m, data in cgroup.local_storages.items()]),
        )

    def hook(self, hook: Hook) -> Form:
        return int(hook.flags), tuple(map(self.attachment, hook.attachments))

    def attachment(self, entry: Attachment) -> Form:
        holder = entry.link if entry.link is not None else entry.prog
        return (
            self.label[holder],
            int(entry.flags),
            entry.sound,
            [self.storage(s) for s in entry.storages],
        )

    def storage(self, storage: Storage | None) -> object:
        """Which one it is: there is one for each key of a map, unless it is freed."""
        if storage is None:
            return None
        return (self.label[storage.map], self.key(storage), storage.freed)

    def key(self, storage: Storage) -> Form:
        key = storage.key
        at = int(key[1]) if isinstance(key, tuple) else -1
        return self.label[storage.cgroup], at

    def map(self, found: Map) -> Form:
        return found.refs, found.urefs, found.frozen

    def storage_map(self, found: StorageMap) -> Form:
        entries = []
        storage = found.newest
        while storage is not None:
            entries.append((self.key(storage), bytes(storage.data)))
            storage = storage.older
        owner = self.label[found.owner] if found.owner is not None else None
        return (*self.map(found), owner, tuple(entries))

    def prog_array(self, found: ProgArray) -> Form:
        slots = tuple(self.label[p] if p is not None else None for p in found.slots)
        owner = found.owner
        if owner is not None:
            ids = {thing.id: name for thing, name in self.label.items() if isinstance(thing, Map)}
            cookies = tuple(ids.get(cookie) for cookie in owner.cookies)
            return (
                *self.map(found),
                slots,
                int(owner.type),
                int(owner.expected_attach_type),
                cookies,
            )
        return (*self.map(found), slots)

    def program(self, program: Program) -> Form:
        return program.refs, tuple(self.label[found] for found in program.maps)

    def link(self, link: Link) -> Form:
        return link.refs, self.label[link.program], link.cgroup is not None

    def socket(self, socket: Socket) -> Form:
        return (socket.open,)


_FORMS: dict[type, Any] = {
    Cgroup: _Canonical.cgroup,
    Map: _Canonical.map,
    CgrpStorageMap: _Canonical.map,
    StorageMap: _Canonical.storage_map,
    ProgArray: _Canonical.prog_array,
    Program: _Canonical.program,
    Link: _Canonical.link,
    Socket: _Canonical.socket,
}
