# SPDX-License-Identifier: GPL-2.0-only
"""The errno numbers of Linux on x86-64, which other systems number otherwise.

Modelled: ``include/uapi/asm-generic/errno-base.h`` and ``errno.h``, ``include/linux/errno.h``.
Left out: numbers that no call of the model and no real kernel under test returns.

>>> EINVAL, NAMES[EOPNOTSUPP]
(22, 'EOPNOTSUPP')
"""

from __future__ import annotations

EPERM = 1
ENOENT = 2
ESRCH = 3
EINTR = 4
EIO = 5
ENXIO = 6
E2BIG = 7
ENOEXEC = 8
EBADF = 9
ECHILD = 10
EAGAIN = 11
ENOMEM = 12
EACCES = 13
EFAULT = 14
EBUSY = 16
EEXIST = 17
EXDEV = 18
ENODEV = 19
ENOTDIR = 20
EISDIR = 21
EINVAL = 22
ENFILE = 23
EMFILE = 24
ENOTTY = 25
EFBIG = 27
ENOSPC = 28
ESPIPE = 29
EROFS = 30
EPIPE = 32
EDOM = 33
ERANGE = 34
EDEADLK = 35
ENAMETOOLONG = 36
ENOSYS = 38
ENOTEMPTY = 39
ELOOP = 40
ENODATA = 61
ENOLINK = 67
EPROTO = 71
EBADMSG = 74
EOVERFLOW = 75
EBADFD = 77
ENOTSOCK = 88
EDESTADDRREQ = 89
EMSGSIZE = 90
EPROTOTYPE = 91
ENOPROTOOPT = 92
EPROTONOSUPPORT = 93
EOPNOTSUPP = 95
EAFNOSUPPORT = 97
EADDRINUSE = 98
EADDRNOTAVAIL = 99
ENETUNREACH = 101
ECONNRESET = 104
ENOBUFS = 105
EISCONN = 106
ENOTCONN = 107
ETIMEDOUT = 110
ECONNREFUSED = 111
EHOSTUNREACH = 113
EALREADY = 114
EINPROGRESS = 115
ESTALE = 116
ENOTSUPP = 524
"""A number internal to the kernel that leaks to user space; libc has no name for it."""

NAMES = {number: name for name, number in tuple(vars().items()) if name.startswith("E")}
"""Names of errno numbers, as the traces and the pages spell them."""
