# SPDX-License-Identifier: GPL-2.0-only
"""The calls of a scribe on programs, attachments and links."""

from __future__ import annotations

from collections.abc import Iterable

from .. import cgroups, links, maps, programs
from ..attachments import ProgQuery
from ..interface import AttachCalls, LinkCalls, ProgCalls
from ..state import Descriptor
from ..steps import Step
from ..uapi import (
    BPF_F_REPLACE,
    QUERY_SIZE,
    AttachFlag,
    AttachType,
    ProgType,
)
from . import bodies
from .notebook import Notebook, NotExportable, absent, no_operation
from .operation import Op
from .stand_ins import notes


class ProgScribe(Notebook, ProgCalls, AttachCalls, LinkCalls):
    """Programs, attachments and links."""

    prog_bind_map = no_operation(ProgCalls.prog_bind_map)

    def prog_load(
        self,
        prog_type: ProgType,
        body: Step | Iterable[Step] = (),
        *,
        expected_attach_type: int = 0,
        helper_flags: int = 0,
        prog_name: str = "",
        lsm_hook: str = "",
        prog_flags: int = 0,
    ) -> programs.ProgFd:
        """As Kernel.prog_load(), without the name and LSM hooks."""
        absent(lsm_hook=lsm_hook, prog_flags=prog_flags)
        steps = (body,) if isinstance(body, Step) else tuple(body)
        label = self._new("p")
        self._ask(
            "prog_load",
            prog=label,
            type=prog_type,
            expected_attach_type=expected_attach_type or None,
            **self._body(steps),
            helper_flags=helper_flags,
        )
        notes = programs.Program("", prog_type, expected_attach_type, (), "")
        notes.id = self._counts["p"]
        made: programs.ProgFd = self._keep(label, programs.ProgFd(notes))
        return made

    def _body(self, steps: tuple[Step, ...]) -> Op:
        """Return ``body`` and ``maps`` where these can say it, else ``steps``."""

        def place(map: maps.MapFd, name: str) -> tuple[int, int]:
            return tuple(notes(map).value.field(name))  # type: ignore[return-value]

        try:
            return bodies.short([bodies.written(step, self._name, place) for step in steps])
        except KeyError as error:
            raise NotExportable(f"the format has no name for {error.args[0]!r}") from None

    def prog_attach(
        self,
        cgroup: cgroups.Cgroup,
        prog: programs.ProgFd,
        attach_type: AttachType,
        flags: int = 0,
        *,
        replace: programs.ProgFd | None = None,
        relative: Descriptor | int | None = None,
        expected_revision: int = 0,
    ) -> None:
        """As Kernel.prog_attach(), without positions and revisions."""
        absent(relative=relative, expected_revision=expected_revision)
        self._ask(
            "prog_attach",
            cgroup=cgroup,
            prog=prog,
            attach_type=attach_type,
            flags=flags,
            replace=replace,
        )

    def prog_detach(
        self,
        cgroup: cgroups.Cgroup,
        prog: programs.ProgFd | None,
        attach_type: AttachType,
        flags: int = 0,
        *,
        expected_revision: int = 0,
    ) -> None:
        """As Kernel.prog_detach()."""
        given = {"flags": flags, "expected_revision": expected_revision}
        others = {name: number for name, number in given.items() if number}
        self._ask("prog_detach", cgroup=cgroup, prog=prog, attach_type=attach_type, **others)

    def prog_query(
        self,
        cgroup: cgroups.Cgroup,
        attach_type: AttachType,
        query_flags: int = 0,
        *,
        prog_attach_flags: bool = False,
        count: int | None = None,
        size: int = QUERY_SIZE,
    ) -> ProgQuery:
        """As Kernel.prog_query(); the revision is always 0, a closed program's id too."""
        absent(prog_attach_flags=prog_attach_flags, count=count is not None)
        absent(size=size != QUERY_SIZE)
        answer = self._ask(
            "prog_query", cgroup=cgroup, attach_type=attach_type, effective=bool(query_flags)
        )
        ids = [0 if name is None else self._things[name].id for name in answer["progs"]]
        return ProgQuery(AttachFlag(answer["flags"]), tuple(ids), 0, prog_cnt=len(ids))

    def prog_test_run(self, prog: programs.ProgFd, repeat: int = 1) -> int:
        """As Kernel.prog_test_run()."""
        answer = self._ask("prog_test_run", prog=prog, repeat=repeat)
        number: int = answer["retval"]
        return number

    def link_create(
        self,
        cgroup: cgroups.Cgroup,
        prog: programs.ProgFd,
        attach_type: AttachType,
        flags: int = 0,
        *,
        relative: Descriptor | int | None = None,
        expected_revision: int = 0,
    ) -> links.LinkFd:
        """As Kernel.link_create(), without flags, positions and revisions."""
        absent(flags=int(flags), relative=relative, expected_revision=expected_revision)
        label = self._new("l")
        self._ask("link_create", link=label, cgroup=cgroup, prog=prog, attach_type=attach_type)
        notes = links.Link(self._counts["l"], prog.object, attach_type)
        made: links.LinkFd = self._keep(label, links.LinkFd(notes))
        return made

    def link_update(
        self,
        link: links.LinkFd,
        new_prog: programs.ProgFd,
        *,
        flags: int = 0,
        old_prog: programs.ProgFd | None = None,
    ) -> None:
        """As Kernel.link_update(), where the flag says whether there is an old program."""
        absent(flags=int(flags) ^ (int(BPF_F_REPLACE) if old_prog is not None else 0))
        old = old_prog
        self._ask("link_update", link=link, new_prog=new_prog, old_prog=old)

    def link_detach(self, link: links.LinkFd) -> None:
        """As Kernel.link_detach()."""
        self._ask("link_detach", link=link)
