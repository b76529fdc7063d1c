# SPDX-License-Identifier: GPL-2.0-only
"""Debian's archive, through the system's own apt.

Where to fetch from comes from the system's apt sources, how (proxies, certificates,
credentials, keyrings) from the rest of its configuration.  The suites read here are
others than the system's, so they are read in a private apt root: the system's package
lists are neither used nor changed.  No mirror is named anywhere in the project.

apt verifies the signature of a suite and the hash of its index, and
``download`` the SHA-256 of a package against that index.
"""

import re
import shlex
import shutil
import subprocess
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import tools

UPDATE_LIMIT = 180
"""Seconds that reading one suite's index may take."""

DOWNLOAD_LIMIT = 600
"""Seconds that one package may take."""

CODENAMES = ("buster", "bullseye", "bookworm", "trixie", "forky", "duke")
ALIASES = ("oldoldstable", "oldstable", "stable", "testing", "unstable", "sid")
PARTS = ("-security", "-updates", "-backports", "-proposed-updates")
_SUITE = re.compile(rf"(?:{'|'.join(CODENAMES + ALIASES)})(?P<part>{'|'.join(PARTS)})?")


class AptError(Exception):
    """A suite or a package could not be had; the text is apt's own reason."""


class TooSlow(AptError):
    """Nothing answers: whatever else is asked would take as long."""


@dataclass(frozen=True)
class AptSource:
    """One entry of the system's apt sources.

    ``options`` are deb822 fields other than the four below, such as Signed-By.
    """

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()

    def stanza(self, suite: str) -> str:
        """Return this source as a deb822 stanza for the main component of another suite."""
        lines = ["Types: deb", f"URIs: {' '.join(self.uris)}", f"Suites: {suite}"]
        lines += ["Components: main", "Architectures: amd64"]
        lines += [f"{name}: {value}" for name, value in self.options]
        return "\n".join(lines) + "\n"


def parse_one_line(text: str) -> Iterator[AptSource]:
    """Yield the binary sources of a ``sources.list``: ``deb [options] uri suite component...``.

    Lines that apt would refuse are left out: apt itself complains of them.
    """
    form = re.compile(r"deb\s+(?:\[(?P<options>[^]]*)\]\s*)?(?P<uri>\S+)\s+(?P<rest>.+)")
    for line in text.splitlines():
        match = form.fullmatch(line.partition("#")[0].strip())
        if not match:
            continue
        suite, *components = match["rest"].split()
        pairs = (option.partition("=") for option in (match["options"] or "").split())
        options = tuple(
            ("-".join(word.capitalize() for word in name.split("-")), value.replace(",", " "))
            for name, _, value in pairs
            if name not in ("arch", "lang", "target")
        )
        yield AptSource((match["uri"],), (suite,), tuple(components), options)


def parse_deb822(text: str) -> Iterator[AptSource]:
    """Yield the enabled binary sources of a ``.sources`` file."""
    own = ("types", "uris", "suites", "components", "enabled", "architectures", "languages")
    for fields in stanzas(text):
        lower = {name.lower(): value for name, value in fields.items()}
        if "deb" not in lower.get("types", "").split():
            continue
        if lower.get("enabled", "yes").lower() in ("no", "false", "without", "off", "disable"):
            continue
        yield AptSource(
            tuple(lower.get("uris", "").split()),
            tuple(lower.get("suites", "").split()),
            tuple(lower.get("components", "").split()),
            tuple((name, value) for name, value in fields.items() if name.lower() not in own),
        )


def stanzas(text: str) -> Iterator[dict[str, str]]:
    """Yield the stanzas of a deb822 text; a continued field keeps its line breaks and indents."""
    fields: dict[str, str] = {}
    last = ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield fields
            fields, last = {}, ""
        elif line[0] in " \t":
            if last:
                fields[last] += "\n" + line
        else:
            last, _, value = line.partition(":")
            fields[last] = value.strip()


def system_sources() -> list[AptSource]:
    """Return all binary sources that the system's apt is configured with."""
    tools.require(["apt-config"])
    names = ["LIST", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d"]
    shell = _run(["apt-config", "shell", *names], limit=30)
    where = dict(word.partition("=")[::2] for word in shlex.split(shell))
    files = [Path(where["LIST"])] if where.get("LIST") else []
    if where.get("PARTS"):
        files += sorted(Path(where["PARTS"]).glob("*"))
    sources: list[AptSource] = []
    for file in files:
        if not file.is_file():
            continue
        if file.suffix == ".list":
            sources += parse_one_line(file.read_text())
        elif file.suffix == ".sources":
            sources += parse_deb822(file.read_text())
    return sources


def source_of(suite: str, sources: Iterable[AptSource]) -> AptSource:
    """Return the source to ask for a suite: Debian's archive, or for "-security" its other one.

    Raise AptError if the sources name none.  Where several fit, the first whose address
    ends as Debian's does is preferred: other archives also use Debian's suite names.
    """
    security = suite.endswith("-security")
    fitting: list[AptSource] = []
    for source in sources:
        matches = [_SUITE.fullmatch(name.removesuffix("/updates")) for name in source.suites]
        parts = [match["part"] or "" for match in matches if match]
        if "main" in source.components and any((p == "-security") == security for p in parts):
            fitting.append(source)
    if not fitting:
        kind = "security archive" if security else "archive"
        raise AptError(f"the system's apt sources name no Debian {kind}")
    name = "debian-security" if security else "debian"
    return min(fitting, key=lambda source: not source.uris[0].rstrip("/").endswith("/" + name))


class AptRoot:
    """A private apt root for one suite, in a directory of its own."""

    def __init__(self, directory: Path, suite: str, source: AptSource) -> None:
        self.directory = directory
        self.suite = suite
        self.source = source
        self.config = directory / "apt.conf"

    def _prepare(self) -> None:
        top = self.directory
        for name in ("lists/partial", "cache/archives/partial"):
            (top / name).mkdir(parents=True, exist_ok=True)
        (top / "status").touch()
        (top / "suite.sources").write_text(self.source.stanza(self.suite))
        settings = {
            "APT::Architecture": "amd64",
            "APT::Architectures": "amd64",
            "APT::Update::Error-Mode": "any",  # a suite that cannot be read is an error
            "APT::Sandbox::User": "root",  # this directory may be one that _apt cannot enter
            "Dir::State": top,
            "Dir::State::status": top / "status",
            "Dir::State::lists": top / "lists",
            "Dir::Cache": top / "cache",
            "Dir::Etc::sourcelist": top / "suite.sources",
            "Dir::Etc::sourceparts": "-",
            "Acquire::Languages": "none",
            "Acquire::Retries": "2",
        }
        cleared = ["APT::Architectures"]
        cleared += [f"APT::Update::{hook}-Invoke" for hook in ("Pre", "Post")]
        lines = [f"#clear {name};" for name in (*cleared, "APT::Update::Post-Invoke-Success")]
        lines += [f'{name} "{value}";' for name, value in settings.items()]
        self.config.write_text("\n".join(lines) + "\n")

    def index(self, prefix: str = "") -> list[dict[str, str]]:
        """Read the suite's Packages index afresh; the stanzas of packages whose name begins so.

        The lists are removed again: each is some 20 MB.  Raise AptError with apt's reason.
        """
        tools.require(["apt-get", tools.APT_HELPER])
        self._prepare()
        apt_get = ["apt-get", "-c", str(self.config)]
        self._run([*apt_get, "-q", "update"], limit=UPDATE_LIMIT)
        asked = ["indextargets", "--format", "$(FILENAME)", "Identifier: Packages"]
        names = _run([*apt_get, *asked], limit=30).split()
        if not names:
            raise AptError(f"{self.suite}: apt has read no Packages index")
        text = "".join(_run([tools.APT_HELPER, "cat-file", name], limit=60) for name in names)
        shutil.rmtree(self.directory / "lists")
        begins = f"Package: {prefix}"
        return list(stanzas("\n\n".join(it for it in text.split("\n\n") if it.startswith(begins))))

    def download(self, filename: str, sha256: str, target: Path) -> None:
        """Fetch a package's file, as its stanza names it; raise AptError if the hash differs."""
        tools.require([tools.APT_HELPER])
        self._prepare()
        address = f"{self.source.uris[0].rstrip('/')}/{filename}"
        command = [tools.APT_HELPER, "-c", str(self.config), "download-file"]
        self._run([*command, address, str(target), f"SHA256:{sha256}"], limit=DOWNLOAD_LIMIT)
        if not target.is_file():
            raise AptError(f"apt fetched no file for {filename}")

    def _run(self, command: list[str], *, limit: int) -> None:
        """Run apt; its reasons are repeated without the mirror's address."""
        try:
            _run(command, limit=limit)
        except AptError as error:
            reason = str(error)
            for uri in self.source.uris:
                host = urllib.parse.urlsplit(uri).netloc
                reason = reason.replace(uri, "(archive)").replace(host or uri, "(archive)")
            raise type(error)(reason) from None


def _run(command: list[str], *, limit: int) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise TooSlow(f"{Path(command[0]).name} took more than {limit} seconds") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith(("E:", "Err"))]
        reason = " ".join((said or done.stderr.splitlines() or ["no reason given"])[:2])
        raise AptError(f"{Path(command[0]).name}: {reason.removeprefix('E:').strip()}")
    return done.stdout


def version_key(version: str) -> list[tuple[int, ...]]:
    """Return a key that sorts Debian versions as dpkg does.

    Source: deb-version(7).  "~" sorts before everything, even the end; letters sort before
    other characters; runs of digits count as numbers.
    """
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, "0"
    key: list[tuple[int, ...]] = [(int(epoch),)]
    for part in (upstream, revision):
        for other, digits in re.findall(r"(\D*)(\d*)", part):
            if other or digits:
                key.append((*(_order(character) for character in other), 0))
                key.append((int(digits or 0),))
        key += [(0,), (-1,)]
    return key


def _order(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) + (0 if character.isalpha() else 256)
