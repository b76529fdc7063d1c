# SPDX-License-Identifier: GPL-2.0-only
"""Finding, choosing, fetching and verifying kernels, without a network."""

import dataclasses
import itertools
import shutil
import subprocess
from pathlib import Path

import pytest

from conformance import apt, kernels, offers

# --- apt sources


ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb http://mirror.example/debian bookworm main contrib # the archive
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=/a.gpg,/b.gpg trusted=yes] http://other.example/tool bookworm-pgdg main

not a source
"""

DEB822 = """\
# a comment
Types: deb deb-src
# another
URIs: http://mirror.example/debian http://second.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Architectures: amd64

Types: deb-src
URIs: http://source.example/debian
Suites: sid
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: sid
Components: main
"""


def test_one_line_sources() -> None:
    assert list(apt.parse_one_line(ONE_LINE)) == [
        apt.AptSource(("http://mirror.example/debian",), ("bookworm",), ("main", "contrib")),
        apt.AptSource(
            ("http://other.example/tool",),
            ("bookworm-pgdg",),
            ("main",),
            (("Signed-By", "/a.gpg /b.gpg"), ("Trusted", "yes")),
        ),
    ]


def test_deb822_sources() -> None:
    archive, security = apt.parse_deb822(DEB822)
    assert archive.uris == ("http://mirror.example/debian", "http://second.example/debian")
    assert archive.suites == ("bookworm", "bookworm-updates")
    key = "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc"
    assert archive.options == (("Signed-By", key),)
    assert security.uris == ("http://mirror.example/debian-security",)
    assert security.options == ()


def test_a_stanza_for_another_suite_keeps_the_key() -> None:
    archive = next(apt.parse_deb822(DEB822))
    (again,) = apt.parse_deb822(archive.stanza("sid"))
    assert again == dataclasses.replace(archive, suites=("sid",))


def test_the_archive_and_the_security_archive_are_told_apart() -> None:
    sources = [*apt.parse_one_line(ONE_LINE), *apt.parse_deb822(DEB822)]
    assert apt.source_of("sid", sources).uris == ("http://mirror.example/debian",)
    assert apt.source_of("trixie-backports", sources).uris == ("http://mirror.example/debian",)
    security = apt.source_of("bullseye-security", sources)
    assert security.uris == ("http://mirror.example/debian-security",)


def test_other_archives_with_debians_suite_names_come_second() -> None:
    sources = list(
        apt.parse_one_line(
            "deb http://php.example/php bookworm main\ndeb http://m.example/debian/ bookworm main\n"
        )
    )
    assert apt.source_of("sid", sources).uris == ("http://m.example/debian/",)
    assert apt.source_of("sid", sources[:1]).uris == ("http://php.example/php",)


def test_without_a_debian_archive_the_reason_is_said() -> None:
    other = list(apt.parse_one_line("deb http://mirror.example/ubuntu noble main"))
    with pytest.raises(apt.AptError, match="name no Debian archive"):
        apt.source_of("sid", other)
    with pytest.raises(apt.AptError, match="name no Debian security archive"):
        apt.source_of("sid-security", list(apt.parse_one_line(ONE_LINE)))


# --- versions


IN_ORDER = [
    "5.10.218-1",
    "5.10.262-1",
    "6.1.176-1",
    "6.1.180-1~deb11u1",
    "6.1.192-2",
    "6.12.99-1",
    "6.12.117-1~deb12u1",
    "6.12.117-1",
    "6.12.117-1+b1",
    "6.12.117-1.1",
    "7.3~rc7-1~exp1",
    "7.3-1",
    "7.3.4-1~bpo13+1",
    "7.3.4-1",
    "1:0.1-1",
]


def test_versions_sort_as_debian_says() -> None:
    shuffled = IN_ORDER[::-1]
    shuffled.sort(key=apt.version_key)
    assert shuffled == IN_ORDER


@pytest.mark.skipif(not shutil.which("dpkg"), reason="dpkg(1) is not installed")
def test_versions_sort_as_dpkg_does() -> None:
    odd = ["1.0", "1.0-0", "1.0.0", "1.0a", "1.0+b", "1.0~~", "1.0~", "1.0~a", "01.0", "1.0-a"]
    names = {-1: "lt", 0: "eq", 1: "gt"}
    for one, other in itertools.combinations(odd + IN_ORDER[5:8], 2):
        ours, theirs = apt.version_key(one), apt.version_key(other)
        relation = names[(ours > theirs) - (ours < theirs)]
        said = subprocess.run(["dpkg", "--compare-versions", one, relation, other], check=False)
        assert said.returncode == 0, (one, relation, other)


# --- the choice of kernels


def stanza(name: str, version: str, size: int = 20_000_000) -> str:
    return (
        f"Package: {name}\nVersion: {version}\nDescription: Linux\n continued: here\n"
        f"Filename: pool/{name}.deb\nSize: {size}\nSHA256: {name}\n"
    )


PACKAGES = "\n".join(
    [
        stanza("linux-image-5.10.0-9-cloud-amd64", "5.10.70-1"),
        stanza("linux-image-5.10.0-46-cloud-amd64", "5.10.262-1"),
        stanza("linux-image-5.10.0-46-cloud-amd64-unsigned", "5.10.999-1"),
        stanza("linux-image-5.10.0-46-amd64", "5.10.999-1"),
        stanza("linux-image-6.1-cloud-amd64", "6.1.999-1", 2_000),
        stanza("linux-image-6.1.0-56-cloud-amd64", "6.1.192-2"),
        stanza("linux-image-6.12.117+deb13-cloud-amd64", "6.12.117-1"),
        stanza("linux-image-7.3.4+deb13-cloud-amd64", "7.3.4-1", 2_000),
        stanza("linux-modules-7.3.4+deb13-cloud-amd64", "7.3.4-1"),
        stanza("linux-base-7.3.4+deb13-cloud-amd64", "7.3.4-1", 400_000),
        stanza("linux-binary-7.3.4+deb13-cloud-amd64", "7.3.4-1"),
        stanza("linux-binary-unsigned-7.3.4+deb13-cloud-amd64", "7.3.4-1"),
        stanza("linux-binary-7.4-cloud-amd64", "7.4~rc1-1"),
    ]
)


def offered(text: str = PACKAGES) -> list[offers.Candidate]:
    return offers.candidates("sid", apt.stanzas(text))


def test_only_packages_with_a_kernel_are_candidates() -> None:
    assert [candidate.package for candidate in offered()] == [
        "linux-image-5.10.0-9-cloud-amd64",
        "linux-image-5.10.0-46-cloud-amd64",
        "linux-image-6.1.0-56-cloud-amd64",
        "linux-image-6.12.117+deb13-cloud-amd64",
        "linux-binary-7.3.4+deb13-cloud-amd64",
        "linux-binary-7.4-cloud-amd64",
    ]


def test_a_split_kernel_knows_where_its_configuration_is() -> None:
    bases = {c.package: c.base.package for c in offered() if c.base}
    split = "linux-binary-7.3.4+deb13-cloud-amd64"
    assert bases == {split: "linux-base-7.3.4+deb13-cloud-amd64"}


def test_the_newest_of_each_branch_is_chosen() -> None:
    chosen = offers.choose({"sid": [*apt.stanzas(PACKAGES)]})
    versions = {
        branch: item.version
        for branch, item in chosen.items()
        if isinstance(item, offers.Candidate)
    }
    assert versions == {
        "5.10": "5.10.262-1",
        "6.1": "6.1.192-2",
        "6.12": "6.12.117-1",
        "7.x": "7.3.4-1",
    }, "6.x is the same kernel as 6.12, and a release candidate is not the newest"


def test_a_release_candidate_is_better_than_nothing() -> None:
    best = offers.newest("7.4", offered())
    assert best is not None
    assert best.version == "7.4~rc1-1"


def test_a_branch_that_nobody_offers_is_not_run_and_says_why() -> None:
    chosen = offers.choose({"sid": "no route to the archive", "trixie": []}, ["6.1"])
    answer = chosen["6.1"]
    assert isinstance(answer, offers.NotRun)
    assert "no reachable suite offers it" in answer.reason
    assert "sid: no route to the archive" in answer.reason


@pytest.mark.parametrize(
    ("branch", "version", "expected"),
    [
        ("6.1", "6.1.5", True),
        ("7.4", "7.4", True),
        ("6.1", "6.12.5", False),
        ("6.x", "6.12.5", True),
        ("6.x", "7.1", False),
    ],
)
def test_branches(branch: str, version: str, expected: bool) -> None:
    assert offers.wanted(branch, version) is expected


def test_the_index_is_read_once_and_old_answers_outlive_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apt, "system_sources", lambda: list(apt.parse_deb822(DEB822)))
    asked: list[str] = []

    def answers(root: apt.AptRoot, prefix: str) -> list[dict[str, str]]:
        asked.append(root.suite)
        if root.suite == "forky":
            raise apt.AptError("gone")
        return list(apt.stanzas(PACKAGES))

    def fails(root: apt.AptRoot, prefix: str) -> list[dict[str, str]]:
        raise apt.AptError("no network")

    said: list[str] = []
    monkeypatch.setattr(apt.AptRoot, "index", answers)
    first = offers.index(tmp_path, said.append)
    assert asked == list(offers.SUITES)
    assert first["forky"] == "gone"
    assert offers.every(offers.candidates, {"sid": first["sid"]}) == offered()

    monkeypatch.setattr(apt.AptRoot, "index", fails)
    assert offers.index(tmp_path, said.append) == first
    assert offers.index(tmp_path, said.append, refresh=True) == first
    assert said[-1] == "sid: not reachable: no network; using what was read earlier"


# --- fetching


def image(release: str) -> bytes:
    """Return the least that is recognised as a bzImage."""
    data = bytearray(0x400)
    data[0x202:0x206] = b"HdrS"
    data[0x20E:0x210] = (0x100).to_bytes(2, "little")
    return bytes(data[:0x300]) + f"{release} (builder) #1 SMP".encode() + b"\0"


CONTROL = b"Package: k\nVersion: 1\nArchitecture: all\nMaintainer: n\nDescription: d\n"


def make_package(place: Path, release: str) -> offers.Candidate:
    """Build a Debian package with a kernel in it, and what an index would say of it."""
    tree = place / "tree"
    for name, text in (
        ("DEBIAN/control", CONTROL),
        (f"usr/lib/modules/{release}/vmlinuz", image(release)),
        (f"boot/config-{release}", b"CONFIG_CGROUP_BPF=y\n"),
    ):  # fmt: skip
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(text)
    package = place / "k.deb"
    subprocess.run(["dpkg-deb", "-b", str(tree), str(package)], check=True, capture_output=True)
    data = package.read_bytes()
    sha256 = kernels._sha256(data)
    return offers.Candidate("sid", f"linux-binary-{release}", "7.3.4-1", "k.deb", sha256, len(data))


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg-deb(1) is not installed")
def test_a_kernel_is_fetched_verified_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = make_package(tmp_path, "7.3.4-cloud-amd64")
    data = (tmp_path / "k.deb").read_bytes()
    fetched: list[str] = []

    def download(root: apt.AptRoot, filename: str, sha256: str, target: Path) -> None:
        fetched.append(filename)
        target.write_bytes(data)

    monkeypatch.setattr(apt, "system_sources", lambda: list(apt.parse_deb822(DEB822)))
    monkeypatch.setattr(apt.AptRoot, "download", download)
    cache = tmp_path / "cache"
    said: list[str] = []

    tampered = dataclasses.replace(candidate, package="linux-binary-bad", sha256="0" * 64)
    with pytest.raises(apt.AptError, match="SHA-256 is not that of the Packages index"):
        kernels.fetch("7.x", tampered, cache, said.append)
    assert not list(cache.rglob("vmlinuz"))

    fetched.clear()
    kernel = kernels.fetch("7.x", candidate, cache, said.append)
    assert (kernel.release, kernel.version) == ("7.3.4-cloud-amd64", "7.3.4")
    assert kernel.identity.config_sha256 == kernels._sha256(b"CONFIG_CGROUP_BPF=y\n")
    assert kernels.fetch("7.x", candidate, cache, said.append) == kernel
    assert fetched == ["k.deb"]

    kernel.image.write_bytes(b"damaged")
    assert kernels.fetch("7.x", candidate, cache, said.append) == kernel
    assert fetched == ["k.deb", "k.deb"]
    assert kernel.image.read_bytes() == image("7.3.4-cloud-amd64")


def test_own_kernels_state_their_release(tmp_path: Path) -> None:
    good, bad = tmp_path / "bzImage", tmp_path / "vmlinux"
    good.write_bytes(image("5.8.18-test"))
    bad.write_bytes(b"\x7fELF" + bytes(0x300))
    kernel, refused, absent = kernels.own([str(good), str(bad), str(tmp_path / "none")])
    assert isinstance(kernel, kernels.KernelImage)
    assert (kernel.branch, kernel.version, kernel.release) == ("own", "5.8.18", "5.8.18-test")
    assert refused == offers.NotRun("own", f"{bad}: not a bzImage")
    assert isinstance(absent, offers.NotRun)
    assert "No such file" in absent.reason
