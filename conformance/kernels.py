# SPDX-License-Identifier: GPL-2.0-only
"""The kernels to ask: the newest Debian cloud kernel of each branch, and the user's own.

Of the kernels that the suites offer the newest of each wanted branch is fetched, its hash
verified, and the bzImage and configuration kept under ``build/conformance/kernels``.  A kernel
that cannot be had is a ``NotRun`` with the reason, never silently left out.

Kernels of the user's own, such as old ones that no distribution ships any more, are named
in the environment: ``KERNELS="path/to/bzImage ..."``.  They need no modules, no disk and no
network card, but need these options, built in.  Linux 5.10.262 with
``make tinyconfig`` and these boots and passes the self-check::

    64BIT PRINTK BUG TTY BLK_DEV_INITRD BINFMT_ELF BINFMT_SCRIPT MULTIUSER
    SERIAL_8250 SERIAL_8250_CONSOLE       the console, and the results on the second port
    PROC_FS SYSFS SHMEM TMPFS DEVTMPFS    the guest's file systems
    FUTEX EPOLL SIGNALFD TIMERFD EVENTFD POSIX_TIMERS FILE_LOCKING   Python
    NET UNIX INET IPV6 (the latter for the inet6 hooks)
    CGROUPS BPF_SYSCALL CGROUP_BPF        the subject; BPF_JIT as you like
    FHANDLE                               name_to_handle_at(2), which returns a cgroup's id

``SMP X86_MPPARSE`` besides give the second processor, which only the per-CPU maps use.
Modules, compression of the initramfs, BTF and virtio are not needed.
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from records.identity import Identity
from reference_model.outputs import write_whole

from . import apt, offers, tools
from .offers import Candidate, NotRun, Say, locked, upstream


@dataclass(frozen=True)
class KernelImage:
    """A kernel that is here and can be booted.

    ``branch`` is the wanted branch, or "own" for the user's.
    """

    branch: str
    identity: Identity
    image: Path

    @property
    def version(self) -> str:
        """The kernel's version as the model writes it ("6.1.192")."""
        return self.identity.version

    @property
    def release(self) -> str:
        """What ``uname -r`` says."""
        return self.identity.release

    @property
    def name(self) -> str:
        """Short name for progress and tables."""
        return self.version if self.identity.package else f"{self.version} ({self.image.name})"


def fetch(branch: str, candidate: Candidate, cache: Path, say: Say) -> KernelImage:
    """Return the kernel, from the cache if it is there and whole, else from the archive.

    Raise apt.AptError if it cannot be fetched, its hash differs or it holds no kernel.
    """
    place = cache / "kernels" / f"{candidate.package}_{candidate.version}"
    record = place / "kernel.json"
    if record.is_file():
        kept = json.loads(record.read_text())
        image = place / "vmlinuz"
        if image.is_file() and _sha256(image.read_bytes()) == kept["image_sha256"]:
            return _kernel(branch, candidate, image, kept["config_sha256"])
        say(f"{candidate.package}: the cached kernel is damaged; fetching it again")
    say(f"{candidate.package} {candidate.version}: fetching {candidate.size / 1e6:.0f} MB")
    tools.require(["dpkg-deb"])
    image_data, config = _contents(candidate, place)
    if image_data is None:
        raise apt.AptError(f"{candidate.package} has no vmlinuz")
    if config is None and candidate.base:
        try:
            config = _contents(candidate.base, place)[1]
        except apt.AptError as error:
            say(f"{candidate.package}: its configuration stays unknown: {error}")
    image = place / "vmlinuz"
    image.write_bytes(image_data)
    config_hash = ""
    if config is not None:
        (place / "config").write_bytes(config)
        config_hash = _sha256(config)
    kernel = _kernel(branch, candidate, image, config_hash)
    kept = {"image_sha256": _sha256(image_data), "config_sha256": config_hash}
    kept |= {"package_sha256": candidate.sha256}
    write_whole(record, json.dumps(kept, indent=1))
    return kernel


def _contents(candidate: Candidate, place: Path) -> tuple[bytes | None, bytes | None]:
    """Fetch a package, verify it, and return the kernel and the configuration in it."""
    place.mkdir(parents=True, exist_ok=True)
    package = place / "package.deb"
    source = apt.source_of(candidate.suite, apt.system_sources())
    root = apt.AptRoot(place / "apt", candidate.suite, source)
    try:
        root.download(candidate.filename, candidate.sha256, package)
        if _sha256(package.read_bytes()) != candidate.sha256:
            raise apt.AptError(f"{candidate.package}: SHA-256 is not that of the Packages index")
        image = config = None
        command = ["dpkg-deb", "--fsys-tarfile", str(package)]
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE) as unpacker,
            tarfile.open(fileobj=unpacker.stdout, mode="r|") as files,
        ):
            for member in files:
                opened = files.extractfile(member) if member.isfile() else None
                if opened is None:
                    continue
                path = member.name.removeprefix("./")
                if re.fullmatch(r"boot/vmlinuz-\S+|usr/lib/modules/[^/]+/vmlinuz", path):
                    image = opened.read()
                elif re.fullmatch(r"boot/config-\S+|usr/lib/modules/[^/]+/config", path):
                    config = opened.read()
        if unpacker.returncode:
            raise apt.AptError(f"{candidate.package}: dpkg-deb failed ({unpacker.returncode})")
        return image, config
    except tarfile.TarError as error:
        raise apt.AptError(f"{candidate.package}: {error}") from None
    finally:
        package.unlink(missing_ok=True)
        shutil.rmtree(root.directory, ignore_errors=True)


def _kernel(branch: str, candidate: Candidate, image: Path, config_sha256: str) -> KernelImage:
    try:
        release = release_of(image.read_bytes())
    except ValueError as error:
        raise apt.AptError(f"{candidate.package}: {error}") from None
    version = upstream(candidate.version)
    identity = Identity(version, release, candidate.package, candidate.version, config_sha256)
    return KernelImage(branch, identity, image)


def release_of(image: bytes) -> str:
    """Return the release (``uname -r``) that a bzImage's header states.

    Source: ``Documentation/arch/x86/boot.rst``, fields header and kernel_version.  Raise
    ValueError if it is no bzImage.
    """
    if image[0x202:0x206] != b"HdrS":
        raise ValueError("not a bzImage")
    start = int.from_bytes(image[0x20E:0x210], "little") + 0x200
    words = image[start : start + 200].partition(b"\0")[0].split()
    if not words:
        raise ValueError("the bzImage does not state its version")
    return words[0].decode()


def own(paths: Iterable[str]) -> list[KernelImage | NotRun]:
    """Return the user's kernels, in the order given; a file that is no bzImage is a NotRun."""
    kernels: list[KernelImage | NotRun] = []
    for path in paths:
        image = Path(path).expanduser()
        try:
            release = release_of(image.read_bytes())
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            kernels.append(NotRun("own", f"{path}: {reason}"))
            continue
        match = re.match(r"\d+\.\d+(\.\d+)?", release)
        version = match[0] if match else release
        if "proposal" in release:  # as reference_model.linux.machine names it
            version = "proposal"
        config = image.parent / image.name.replace("vmlinuz", "config").replace("bzImage", "config")
        digest = _sha256(config.read_bytes()) if config != image and config.is_file() else ""
        identity = Identity(version, release, config_sha256=digest)
        kernels.append(KernelImage("own", identity, image))
    return kernels


def own_from_environment() -> list[KernelImage | NotRun]:
    """Return the kernels that the environment's KERNELS names."""
    return own(shlex.split(os.environ.get("KERNELS", "")))


def get(
    branches: Sequence[str], cache: Path = tools.CACHE, say: Say = print, *, refresh: bool = False
) -> list[KernelImage | NotRun]:
    """Return the newest kernel of each branch, fetched if need be, oldest branch first.

    Raise tools.MissingTools if apt's or dpkg's programs are missing.
    """
    tools.require(tools.TO_FETCH)
    cache.mkdir(parents=True, exist_ok=True)
    answers: list[KernelImage | NotRun] = []
    with locked(cache):
        chosen = offers.choose(offers.index(cache, say, refresh=refresh), branches)
        for branch, candidate in chosen.items():
            if isinstance(candidate, NotRun):
                answers.append(candidate)
                continue
            try:
                answers.append(fetch(branch, candidate, cache, say))
            except apt.AptError as error:
                hint = "" if refresh else "; --refresh reads the suites again"
                answers.append(NotRun(branch, f"{candidate.package}: {error}{hint}"))
    return answers


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
