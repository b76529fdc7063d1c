# SPDX-License-Identifier: GPL-2.0-only
"""The file system that every guest boots into: busybox, Debian's Python, and ``init``.

It is built from the files of this machine's packages busybox-static and python3, whose
standard library comes trimmed, compiled, and with the shared libraries that it needs, libc
among them.  Built once for the same contents: the archive's name holds their hash.  A payload
follows as a second archive.  It is not compressed: QEMU copies it into the guest at once, while
an emulated processor would need seconds to decompress it.

Left out: other architectures than amd64; packages beyond the standard library (a payload
may bring pure Python packages as files).
"""

import functools
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from reference_model.leftovers import temporary

from . import cpio, tools

PYTHON_INSTALL = ("python3", "python3-minimal", "libpython3-stdlib")

TRIMMED = {
    "__pycache__", "dist-packages", "distutils", "ensurepip", "idlelib", "lib2to3", "pydoc_data",
    "sitecustomize.py", "test", "tests", "tkinter", "turtle.py", "turtledemo", "venv",
    "EXTERNALLY-MANAGED",
}  # fmt: skip
"""Names of the standard library that no guest needs."""

TRIMMED_MODULES = re.compile(
    r"(?:_bz2|_codecs_\w+|_crypt|_ctypes_test|_curses\w*|_dbm|_gdbm|_hashlib|_lsprof|_lzma|_sqlite3"
    r"|_ssl|_test\w+|_tkinter|_uuid|_xx\w+|audioop|nis|ossaudiodev|readline|xx\w+)\..*\.so"
)
"""Extension modules that need a library of their own or that no guest needs.

hashlib works without _hashlib, by its built-in modules.
"""

DEVICES = (
    ("null", 1, 3), ("zero", 1, 5), ("random", 1, 8), ("urandom", 1, 9), ("kmsg", 1, 11),
    ("tty", 5, 0), ("console", 5, 1), ("ttyS0", 4, 64), ("ttyS1", 4, 65),
)  # fmt: skip

STARTS = "guest: payload starts"
ENDED = "guest: payload ended"
BROKEN = "guest: set-up failed"
"""What init writes to the kernel log, at warning level: a log without the first two is deaf."""

INIT = f"""\
#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-only
# The guest's init: set up, run the payload, report on the second serial port, stop.
/bin/busybox --install -s /bin
export PATH=/usr/bin:/bin HOME=/root LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1

say() {{ echo "<4>$*" > /dev/kmsg; }}
stop() {{
    stty -F /dev/ttyS0 115200 2>/dev/null    # waits until the port has sent everything
    reboot -f
    while :; do sleep 1; done
}}
must() {{ "$@" || {{ say "{BROKEN}: $*"; stop; }}; }}

must mount -t proc proc /proc
must mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev || say "guest: no devtmpfs; the initramfs has the devices needed"
mkdir -p /dev/shm
ln -sf /proc/self/fd /dev/fd
must mount -t tmpfs tmpfs /tmp
must mount -t tmpfs tmpfs /dev/shm
must mount -t cgroup2 cgroup2 /sys/fs/cgroup
must mount -t bpf bpf /sys/fs/bpf
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
must ifconfig lo 127.0.0.1 up
must ulimit -l unlimited
must stty -F /dev/ttyS1 raw -echo 115200

read -r tainted < /proc/sys/kernel/tainted
say "{STARTS}, taint $tainted"
/guest/payload < /dev/null > /dev/ttyS1
rc=$?
read -r tainted < /proc/sys/kernel/tainted
say "{ENDED}, taint $tainted"
printf '\\nRC=%d\\n' $rc > /dev/ttyS1
stty -F /dev/ttyS1 115200
stop
"""


@functools.cache
def base(cache: Path = tools.CACHE) -> Path:
    """Return the first archive, built if the cache does not have it.

    Raise tools.MissingTools if busybox-static or Debian's Python is not installed.
    """
    tools.require(tools.TO_BUILD)
    _check_architecture()
    sources = dict(_sources())
    hasher = hashlib.sha256(INIT.encode())
    for where, source in sorted(sources.items()):
        hasher.update(f"{where}\0{source.stat().st_size}\0".encode())
        hasher.update(hashlib.sha256(source.read_bytes()).digest())
    hasher.update(Path(__file__).read_bytes())
    archive = cache / f"initramfs-{hasher.hexdigest()[:16]}.cpio"
    if not archive.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        with temporary("initramfs", cache) as place:
            partial = place / archive.name
            partial.write_bytes(cpio.pack(cpio.with_parents(_entries(sources))))
            partial.replace(archive)
    return archive


def write(payload: bytes, target: Path, cache: Path = tools.CACHE) -> None:
    """Write a whole initramfs: the base, then a payload's archive."""
    shutil.copyfile(base(cache), target)
    with target.open("ab") as file:
        file.write(payload)


def _check_architecture() -> None:
    said = tools.run(["dpkg", "--print-architecture"], must_succeed=True).stdout.strip()
    if said != "amd64":
        raise tools.MissingTools(
            (f"amd64 programs for the guest (this machine is {said})",),
            ("busybox-static:amd64", "python3:amd64"),
        )


def _sources() -> Iterator[tuple[str, Path]]:
    """Yield the guest path and the file here of everything that comes from packages."""
    busybox = tools.find("busybox")
    assert busybox is not None
    if _interpreter(busybox.read_bytes()):
        raise tools.MissingTools((f"a static busybox ({busybox} is not)",), ("busybox-static",))
    yield "bin/busybox", busybox.resolve()
    python = Path(tools.PYTHON).resolve()
    yield f"usr/bin/{python.name}", python
    library = Path("/usr/lib") / python.name
    extensions = []
    for file in sorted(library.rglob("*")):
        parts = file.relative_to(library).parts
        if file.is_dir() or TRIMMED.intersection(parts) or parts[0].startswith("config-"):
            continue
        if file.parent.name == "lib-dynload":
            if TRIMMED_MODULES.fullmatch(file.name):
                continue
            extensions.append(file)
        yield str(file).lstrip("/"), file
    names = {file.name.partition(".")[0] for file in extensions}
    if "_ctypes" not in names or not (library / "subprocess.py").is_file():
        raise tools.MissingTools((f"the standard library of {tools.PYTHON}",), PYTHON_INSTALL)
    for needed in sorted(_shared_libraries([python, *extensions])):
        yield str(needed).lstrip("/"), needed


def _interpreter(program: bytes) -> bool:
    """Return whether an ELF program asks for a dynamic loader (has a PT_INTERP header)."""
    if program[:5] != b"\x7fELF\x02":
        return False
    start = int.from_bytes(program[0x20:0x28], "little")
    size, count = (int.from_bytes(program[at : at + 2], "little") for at in (0x36, 0x38))
    headers = (start + size * number for number in range(count))
    return any(int.from_bytes(program[at : at + 4], "little") == 3 for at in headers)


def _shared_libraries(programs: list[Path]) -> set[Path]:
    """Return the shared libraries that programs load, their loader, and libgcc_s for threads."""
    said = tools.run(["ldd", *programs], must_succeed=True).stdout
    found = {Path(name) for name in re.findall(r"(?:=> |^\t)(/\S+) \(0x", said, re.MULTILINE)}
    found |= {libc.with_name("libgcc_s.so.1") for libc in found if libc.name == "libc.so.6"}
    return {path for path in found if path.exists()}


def _entries(sources: dict[str, Path]) -> Iterator[cpio.Entry]:
    interpreter = Path(tools.PYTHON).resolve().name
    yield cpio.regular("init", INIT.encode(), executable=True)
    for name in ("dev", "proc", "sys", "tmp", "root", "work", "etc", "guest"):
        yield cpio.directory(name)
    for name, major, minor in DEVICES:
        yield cpio.character_device(f"dev/{name}", major, minor)
    yield cpio.regular("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    yield cpio.regular("etc/group", b"root:x:0:\n")
    yield cpio.regular("etc/hosts", b"127.0.0.1 localhost\n::1 localhost\n")
    yield cpio.symlink("usr/bin/python3", interpreter)
    for where, source in sources.items():
        yield cpio.regular(where, source.read_bytes(), executable=os.access(source, os.X_OK))
    python = {where: file.read_bytes() for where, file in sources.items() if file.suffix == ".py"}
    yield from compiled(python)


def compiled(sources: Mapping[str, bytes]) -> Iterator[cpio.Entry]:
    """Yield the byte code of Python files, given and returned by their paths in the guest.

    In a guest, compiling costs more than running.  The byte code is never checked against its
    source, which has another date there; a file that does not compile is left to fail there.
    """
    if not sources:
        return
    tools.require([tools.PYTHON])
    with temporary("compiled") as top:
        for where, data in sources.items():
            (top / where).parent.mkdir(parents=True, exist_ok=True)
            (top / where).write_bytes(data)
        command = [tools.PYTHON, "-I", "-m", "compileall", "-q", "-s", str(top), "-p", "/"]
        command += ["--invalidation-mode", "unchecked-hash", str(top)]
        tools.run(command)
        for file in sorted(top.rglob("*.pyc")):
            yield cpio.regular(str(file.relative_to(top)), file.read_bytes())
