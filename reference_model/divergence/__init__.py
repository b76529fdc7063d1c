# SPDX-License-Identifier: GPL-2.0-only
"""Every way in which two releases differ, found by search in a small world, and why.

Two kernels run every program of a world in lockstep, up to a number of operations.  Where their
answers part, the program is a shortest one, and the changes that account for it are found by trial:

>>> from reference_model import Release
>>> from reference_model.divergence import search, world
>>> found = search.search(Release("5.8"), Release("5.9"), world.load("attachments"), depth=2)
>>> for group in found.groups.values():
...     print(*group.cause, group.kind, [op["op"] for op in group.ops])
SHARED_STORAGE prog_load: EBUSY / ok ['prog_load', 'prog_load']

Read ``world`` first, then ``lockstep`` and ``search``.  Left out is what a world leaves out, and
says so; what is found is found on the model, and only as true as the model.
"""
