# SPDX-License-Identifier: GPL-2.0-only
"""The guest harness, as far as it can be tested without a guest."""

import dataclasses
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from conformance import (
    __main__,
    check,
    command_line,
    consolelog,
    cpio,
    guest,
    initramfs,
    kernels,
    offers,
    payload,
    tools,
)
from conformance.command_line import Exit, UsageError, Wanted
from records.identity import Identity

# --- cpio


ENTRIES = [
    cpio.directory("a"),
    cpio.regular("a/empty", b""),
    cpio.regular("a/three", b"abc"),
    cpio.regular("a/program", b"#!/bin/sh\n", executable=True),
    cpio.symlink("a/link", "three"),
]


def test_what_is_packed_is_unpacked() -> None:
    entries = [*ENTRIES, cpio.character_device("a/ttyS1", 4, 65)]
    archive = cpio.pack(entries)
    assert len(archive) % cpio.BLOCK == 0
    assert cpio.unpack(archive) == entries


def test_one_archive_follows_another() -> None:
    assert cpio.unpack(cpio.pack(ENTRIES) + cpio.pack([cpio.directory("b")])) == [
        *ENTRIES,
        cpio.directory("b"),
    ]


@pytest.mark.parametrize("cut", [1, 50, 109, 200])
def test_a_cut_archive_is_an_error(cut: int) -> None:
    archive = cpio.pack(ENTRIES).rstrip(b"\0")
    with pytest.raises(ValueError, match=r"^byte \d+: "):
        cpio.unpack(archive[:cut])


def test_an_archive_without_trailer_is_an_error() -> None:
    archive = cpio.pack([cpio.directory("a")])
    with pytest.raises(ValueError, match="no trailer"):
        cpio.unpack(archive[: archive.index(b"070701", 1)])


def test_parents_come_first_and_once() -> None:
    entries = cpio.with_parents([cpio.regular("a/b/c", b""), cpio.regular("a/b/d", b"")])
    assert [entry.path for entry in entries] == ["a", "a/b", "a/b/c", "a/b/d"]


def test_two_files_of_one_name_are_an_error() -> None:
    with pytest.raises(ValueError, match="a comes twice"):
        list(cpio.with_parents([cpio.regular("a", b"1"), cpio.regular("a", b"2")]))


@pytest.mark.skipif(not shutil.which("cpio"), reason="cpio(1) is not installed")
def test_the_systems_cpio_reads_it(tmp_path: Path) -> None:
    subprocess.run(["cpio", "-idm", "--quiet"], input=cpio.pack(ENTRIES), cwd=tmp_path, check=True)
    assert (tmp_path / "a/three").read_bytes() == b"abc"
    assert (tmp_path / "a/empty").read_bytes() == b""
    assert (tmp_path / "a/link").readlink() == Path("three")
    assert stat.S_IMODE((tmp_path / "a/program").stat().st_mode) == 0o755
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "empty", "link", "program", "three",
    ]  # fmt: skip


# --- the console log


OOPS = """\
[    2.146754] guest: payload starts, taint 0
[    3.100000] BUG: kernel NULL pointer dereference, address: 0000000000000000
[    3.100001] #PF: supervisor read access in kernel mode
[    3.100002] Oops: 0000 [#1] SMP NOPTI
[    3.100003] Call Trace:
[    3.100004]  cgroup_skb+0x1/0x2
[    3.100005] ---[ end trace 0000000000000000 ]---
[    3.100006] Kernel panic - not syncing: Fatal exception
"""

WARNING = """\
[    2.146754] guest: payload starts, taint 0
[    3.000000] ------------[ cut here ]------------
[    3.000001] WARNING: CPU: 1 PID: 151 at kernel/bpf/local_storage.c:577 storage_link+0x1
[    3.000002] Modules linked in:
[    3.000003] Call Trace:
[    3.000004] ---[ end trace 0000000000000000 ]---
[    3.000005] audit: nothing to do with it
[    4.000000] guest: payload ended, taint 512
"""

QUIET = """\
[    0.000000] Linux version 6.1.0 (debian-kernel)
[    0.100000] Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on, data leaks possible
[    0.200000] [Firmware Bug]: TSC doesn't count with P0 frequency!
[    0.300000] MMIO Stale Data: Unknown: No mitigations
[    2.146754] guest: payload starts, taint 0
WARNING: a payload's own words
Traceback (most recent call last):
BUG: also the payload's
[    4.500000] guest: payload ended, taint 0
"""


def test_an_oops_is_a_warning_and_a_crash() -> None:
    reading = consolelog.read(OOPS)
    assert reading.crashed
    assert [text.splitlines()[0] for text in reading.warnings] == [
        "BUG: kernel NULL pointer dereference, address: 0000000000000000",
        "Kernel panic - not syncing: Fatal exception",
    ]
    assert "cgroup_skb+0x1/0x2" in reading.warnings[0]
    assert (reading.started, reading.ended) == (2.146754, None)


def test_a_warning_is_one_and_ends_at_its_end_mark() -> None:
    reading = consolelog.read(WARNING)
    (text,) = reading.warnings
    assert "kernel/bpf/local_storage.c:577" in text
    assert "audit" not in text
    assert not reading.crashed
    assert reading.taint == consolelog.TAINT_WARN


def test_a_quiet_log_and_a_payloads_words_are_no_warnings() -> None:
    reading = consolelog.read(QUIET)
    assert reading.warnings == ()
    assert (reading.started, reading.ended, reading.taint) == (2.146754, 4.5, 0)


@pytest.mark.parametrize(
    "message",
    [
        "WARNING: kernel/bpf/local_storage.c:577 at storage_link+0x1, CPU#1: python3/151",
        "BUG: sleeping function called from invalid context at kernel/locking/mutex.c:283",
        "BUG: KASAN: slab-use-after-free in bpf_get_local_storage+0x1/0x2",
        "kernel BUG at mm/slub.c:448!",
        "general protection fault, probably for non-canonical address: 0000 [#1] PREEMPT SMP",
        "Oops: general protection fault, kernel NULL pointer dereference 0x0: 0000 [#1] SMP",
        "UBSAN: array-index-out-of-bounds in kernel/bpf/cgroup.c:10:2",
        "refcount_t: underflow; use-after-free.",
        "INFO: task python3:151 blocked for more than 120 seconds.",
        "python3: page allocation failure: order:10, mode:0xcc0",
        "WARNING: possible circular locking dependency detected",
        "WARNING: suspicious RCU usage",
        "Call Trace:",
    ],
)
@pytest.mark.parametrize(
    "stamp", ["[    3.000001] ", "[    3.000001][  T151] ", "abc[   13.000001] "]
)
def test_the_kernels_complaints_are_known(stamp: str, message: str) -> None:
    assert consolelog.read(stamp + message).warnings == (message,)


# --- the verdict


PLAIN = payload.Payload("plain", ("true",), time_limit=60)
CRASHING = dataclasses.replace(PLAIN, expect_crash=True)


def verdict(
    log: str, rc: int | None = 0, task: payload.Payload = PLAIN, within: float | None = None
) -> str:
    return guest.judge(task, rc, consolelog.read(log), within=within, qemu_rc=0)


def test_success_needs_status_zero_and_a_log_that_could_have_warned() -> None:
    assert verdict(QUIET) == ""
    assert verdict(QUIET, 3) == "the payload ended with status 3"
    assert "was not started" in verdict("")
    half = QUIET[: QUIET.index("[    4.5")]
    assert "lacks init's last mark" in verdict(half)
    assert verdict(half, None).startswith("the payload did not end")
    assert verdict(half, None, within=60) == "not finished within 60 seconds"
    assert "tainted (512)" in verdict(QUIET.replace("ended, taint 0", "ended, taint 512"))
    broken = verdict("[    1.000000] guest: set-up failed: mount -t bpf bpf /sys/fs/bpf\n", None)
    assert broken == "the guest could not be set up: mount -t bpf bpf /sys/fs/bpf"


def test_a_complaint_of_the_kernel_is_a_failure_whatever_the_payload_says() -> None:
    assert "local_storage.c:577" in verdict(WARNING)
    assert "NULL pointer" in verdict(OOPS, None)


def test_an_expected_crash_must_happen() -> None:
    assert verdict(OOPS, None, CRASHING) == ""
    assert verdict(WARNING, 0, CRASHING) == ""
    assert "did not" in verdict(QUIET, 0, CRASHING)
    assert "no kernel warning" in verdict(QUIET, None, CRASHING, within=60)
    early = WARNING.splitlines(keepends=True)
    early = [*early[1:6], early[0], *early[6:]]
    assert "local_storage.c" in verdict("".join(early), 0, CRASHING), "this one came too early"
    before = OOPS[OOPS.index("\n") + 1 :]
    assert verdict(before, None, CRASHING) != "", "a crash while booting is not the expected one"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("a\nb\n\nRC=0\n", (0, ("a", "b"))),
        ("a\n\n\nRC=7\n", (7, ("a", ""))),
        ("no line end\nRC=0\n", (0, ("no line end",))),
        ("\nRC=0\n", (0, ())),
        ("a\n\nRC=0\nmore\n", (None, ("a", "", "RC=0", "more"))),
        ("a\n\nRC=", (None, ("a", "", "RC="))),
        ("a\n", (None, ("a",))),
        ("", (None, ())),
    ],
)
def test_results(output: str, expected: tuple[int | None, tuple[str, ...]]) -> None:
    assert guest.results_of(output) == expected


def test_lines_are_told_as_they_come_but_for_inits() -> None:
    lines: list[str] = []
    teller = guest._Teller(lines.append)
    for part in ("on", "e\n\nRC=0", "x\n", "\n\n", "two\n", "\nRC=0\n"):
        teller.feed(part)
    assert lines == ["one", "", "RC=0x", "", "", "two"]


# --- QEMU's place taken by a script


def fake_qemu(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let a Python script play QEMU; it knows the ports' files as ``console`` and ``output``."""
    ports = "import sys,time; console,output=(a[5:] for a in sys.argv if a.startswith('file:'))\n"
    monkeypatch.setattr(guest, "QEMU", (sys.executable, "-c", ports + script))
    monkeypatch.setattr(initramfs, "write", lambda data, target, cache: target.write_bytes(data))
    monkeypatch.setattr(initramfs, "base", lambda cache: cache)
    monkeypatch.setattr(payload.Payload, "archive", lambda self: b"")
    monkeypatch.setattr(tools, "require", lambda programs: None)


KERNEL = kernels.KernelImage("6.1", Identity("6.1.9", "6.1.9-x", "k", "6.1.9-1"), Path("bzImage"))


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv(1) is not installed")
def test_a_run_collects_both_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = f"open(console,'w').write({QUIET!r}); open(output,'w').write('one\\n\\nRC=0\\n')"
    fake_qemu(monkeypatch, script)
    lines: list[str] = []
    result = guest.run(KERNEL, PLAIN, cache=tmp_path, on_line=lines.append)
    assert result.ok
    assert (result.rc, result.lines, result.warnings) == (0, ("one",), ())
    assert (result.boot_seconds, result.payload_seconds) == (2.146754, 2.353)
    assert lines == ["one"]
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv(1) is not installed")
def test_a_guest_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "pid"
    script = f"import os; open({str(mark)!r},'w').write(str(os.getpid())); time.sleep(60)"
    fake_qemu(monkeypatch, script)
    result = guest.run(KERNEL, dataclasses.replace(PLAIN, time_limit=1), cache=tmp_path)
    assert result.problem == "not finished within 1 seconds"
    assert result.seconds < 10
    assert [path.name for path in tmp_path.iterdir()] == ["pid"]
    assert not Path(f"/proc/{mark.read_text()}").exists()


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv(1) is not installed")
def test_a_guest_ends_with_a_process_that_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if it changed its user, as QEMU does when root starts it."""
    mark = tmp_path / "pid"
    become = "os.setuid(65534)" if os.geteuid() == 0 else "pass"
    script = f"import os; file=open({str(mark)!r},'w'); {become}; print(os.getpid(), file=file, "
    fake_qemu(monkeypatch, script + "flush=True); time.sleep(60)")
    if not (child := os.fork()):
        guest.run(KERNEL, PLAIN, cache=tmp_path)
        os._exit(0)
    for _ in range(1000):
        if mark.exists() and mark.read_text():
            break
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    place = Path(f"/proc/{mark.read_text().strip()}")
    for _ in range(1000):
        if not place.exists():
            break
        time.sleep(0.01)
    assert not place.exists()


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv(1) is not installed")
def test_closing_run_all_stops_its_guests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = f"open(console,'w').write({QUIET!r})\nif 'quick' not in sys.argv[sys.argv.index"
    script += "('-kernel')+1]: time.sleep(60)"
    fake_qemu(monkeypatch, script)
    for process in (os.getpid(), 2**22 + 1):
        (tmp_path / f"run-{process}-x").mkdir()
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    quick = dataclasses.replace(KERNEL, image=Path("quick"))
    running = guest.run_all([quick, offers.NotRun("7.x", "why"), KERNEL], PLAIN, cache=tmp_path)
    begun = time.monotonic()
    assert next(iter(running)).kernel == quick
    running.close()  # type: ignore[attr-defined]
    left = [path.name for path in tmp_path.iterdir()]
    assert left == [f"run-{os.getpid()}-x"], "a killed run's remains go, a living one's stay"
    assert time.monotonic() - begun < 10
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv(1) is not installed")
def test_what_ends_a_command_ends_all_its_guests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that run, also of calls that boot one after the other, and those that wait."""
    fake_qemu(monkeypatch, f"open({str(tmp_path)!r} + f'/{{time.time()}}', 'w'); time.sleep(60)")
    caches = [tmp_path / "cache" / str(number) for number in range(3)]

    def two_guests(cache: Path) -> None:
        for _ in range(2):
            list(guest.run_all([KERNEL], PLAIN, cache=cache))

    def interrupted() -> None:
        with guest.threads(2) as pool:
            for cache in caches:
                cache.mkdir(parents=True)
                pool.submit(two_guests, cache)
            while len([path for path in tmp_path.iterdir() if path.is_file()]) < 2:
                time.sleep(0.01)
            raise KeyboardInterrupt

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert time.monotonic() - begun < 20
    assert len([path for path in tmp_path.iterdir() if path.is_file()]) == 2
    assert [list(cache.iterdir()) for cache in caches] == [[], [], []]
    script = f"open(console,'w').write({QUIET!r}); open(output,'w').write('one\\n\\nRC=0\\n')"
    fake_qemu(monkeypatch, script)
    assert guest.run(KERNEL, PLAIN, cache=tmp_path).rc == 0, "the next command boots guests again"


# --- payloads and the command line


def test_a_payload_becomes_an_archive(tmp_path: Path) -> None:
    (tmp_path / "p/__pycache__").mkdir(parents=True)
    (tmp_path / "p/__pycache__/m.pyc").write_bytes(b"")
    (tmp_path / "p/text").write_text("hello")
    (tmp_path / "p/tool").write_text("#!/bin/sh\n")
    (tmp_path / "p/tool").chmod(0o755)
    task = payload.Payload(
        "t",
        ("echo", "two words"),
        {"p": tmp_path / "p", "/etc/x": tmp_path / "p/text"},
        {"A": "$b"},
    )
    entries = {entry.path: entry for entry in cpio.unpack(task.archive())}
    files = {path: entry.data for path, entry in entries.items() if stat.S_ISREG(entry.mode)}
    script = files.pop(payload.SCRIPT)
    assert files == {"work/p/text": b"hello", "work/p/tool": b"#!/bin/sh\n", "etc/x": b"hello"}
    assert entries["work/p/tool"].mode & 0o111
    assert script.decode().splitlines() == [
        "#!/bin/sh",
        "export PYTHONPATH=/work",
        "export A='$b'",
        "cd /work",
        "exec echo 'two words'",
    ]


def test_a_file_that_is_not_here_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        payload.Payload("t", ("true",), {"none": tmp_path / "none"}).archive()


def test_init_is_a_shell_script() -> None:
    subprocess.run(["sh", "-n"], input=initramfs.INIT.encode(), check=True)


def test_missing_tools_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "find", lambda program: None)
    with pytest.raises(tools.MissingTools) as caught:
        tools.require(["qemu-system-x86_64", "busybox"])
    assert str(caught.value) == (
        "missing: qemu-system-x86_64, busybox\n"
        "  apt-get install --no-install-recommends busybox-static qemu-system-x86"
    )


def test_apt_txt_names_every_package_that_may_be_missing() -> None:
    lines = Path(tools.__file__).with_name("apt.txt").read_text().splitlines()
    named = {line for line in lines if not line.startswith("#")}
    essential = {"apt", "dpkg", "libc-bin", "util-linux"}
    needed = {*tools.PACKAGE_OF.values(), *initramfs.PYTHON_INSTALL, "bpftool"}
    assert needed == named | essential


def test_the_kernels_option() -> None:
    assert command_line.chosen(None) == (list(offers.BRANCHES), [])
    assert command_line.chosen("oldest,newest,5.10") == (["5.10", "7.x"], [])
    assert command_line.chosen(f"6.6,{__file__}") == (["6.6"], [__file__])
    with pytest.raises(UsageError, match="'nonsense' is neither"):
        command_line.chosen("nonsense")


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        (["", ""], Exit.GOOD),
        (["", "broken"], Exit.FAILED),
        (["", None], Exit.NOT_RUN),
        (["broken", None], Exit.FAILED),
        ([None], Exit.NOT_RUN),
        ([], Exit.NOT_RUN),
    ],
)
def test_the_exit_status(
    outcomes: list[str | None],
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def result(problem: str) -> guest.Result:
        return guest.Result(KERNEL, "t", 0, ("x",), (), False, problem, 1.0, 0.5, 0.2, "log")

    missing = [offers.NotRun("7.x", "no network") for problem in outcomes if problem is None]
    ran = [result(problem) for problem in outcomes if problem is not None]
    wanted = Wanted(tuple(result.kernel for result in ran), tuple(missing))
    monkeypatch.setattr(check, "wanted_kernels", lambda options, progress: wanted)
    monkeypatch.setattr(check, "results", lambda *given: iter(ran))
    file = tmp_path / "results.json"
    assert __main__.main(["check", "--json", str(file)]) == status
    said = capsys.readouterr().out
    assert f"{outcomes.count('')} ok, {outcomes.count('broken')} failed" in said
    assert said.count("NOT RUN: no network") == outcomes.count(None)
    if not outcomes:
        assert not file.exists(), "there is nothing to write"
        return
    kept = json.loads(file.read_text())
    words = {"": "ok", None: "not run"}
    assert sorted(item["outcome"] for item in kept) == sorted(
        words.get(outcome, "failed") for outcome in outcomes
    )
    assert [item["kernel"] for item in kept if "kernel" in item] == [
        KERNEL.identity.as_json() for _ in ran
    ]


# --- the command line


SUBCOMMANDS = ("check", "stories", "twins", "explore", "bpftool", "record")


@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
def test_each_subcommand_says_what_it_shares(
    subcommand: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        __main__.main([subcommand, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert command_line.STATUSES in said
    for option in ("--kernels", "--refresh", "--jobs", "--time-limit", "--verbose"):
        assert option in said


def test_the_statuses() -> None:
    assert {status: int(status) for status in Exit} == {
        Exit.GOOD: 0, Exit.FAILED: 1, Exit.USAGE: 2, Exit.NOT_RUN: 3, Exit.STOPPED: 130,
    }  # fmt: skip
    assert all(exit.meaning in command_line.STATUSES for exit in Exit)


@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
def test_a_kernel_that_does_not_exist_is_a_usage_error(
    subcommand: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert __main__.main([subcommand, "--kernels", "nonsense"]) == Exit.USAGE
    assert "'nonsense' is neither a branch" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "--jobs", "0"], "'0' is not a positive whole number"),
        (["check", "--jobs", "-3"], "'-3' is not a positive whole number"),
        (["stories", "--time-limit", "-1"], "'-1' is not a positive number of seconds"),
        (["twins", "--time-limit", "nan"], "'nan' is not a positive number of seconds"),
        (["explore", "--steps", "1.5"], "'1.5' is not a positive whole number"),
        (["nothing"], "invalid choice: 'nothing'"),
        ([], "the following arguments are required"),
    ],
)
def test_an_option_that_makes_no_sense(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        __main__.main(arguments)
    assert ended.value.code == Exit.USAGE
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["stories", "nothing"], "no such story: nothing"),
        (["twins", "nothing"], "no story has a version in C: nothing"),
        (["check", "--put", "/nonexistent"], "--put: there is no /nonexistent"),
        (["check", "--json", "/nonexistent/x"], "/nonexistent/x cannot be written: No such file"),
        (["record", "/nonexistent/x"], "/nonexistent/x cannot be written: No such file"),
        (["record", "x", "--ops", "/nonexistent"], "/nonexistent: cannot be read: No such file"),
        (["record", "x", "--ops", "/dev/null"], "/dev/null has no traces"),
        (["record", ""], " cannot be written: it is a directory"),
        (["check", "--json", ""], " cannot be written: it is a directory"),
        (["check", "--put", ""], "--put: there is no FILE in ''"),
        (["check", "--put", f"{__file__}=../x"], "--put: ../x is outside"),
        (["bpftool", "nothing"], "no such script: nothing"),
        (["objects", "/nonexistent"], "/nonexistent is not a file"),
        (["go", "a b"], "'a b' is no name of a suite"),
        (["record", "--ops", "x"], "--ops needs a FILE for the answers"),
    ],
)
def test_files_are_tried_before_kernels_are_fetched(
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fetch(*given: object, **named: object) -> None:
        raise AssertionError("a kernel is fetched")

    monkeypatch.setattr(kernels, "get", fetch)
    assert __main__.main(arguments) == Exit.USAGE
    assert said in capsys.readouterr().err


def test_the_environment_may_be_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KERNELS", "it's")
    assert __main__.main(["check"]) == Exit.USAGE
    assert capsys.readouterr().err == "KERNELS in the environment: No closing quotation\n"


def test_an_interrupt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "wanted_kernels", interrupted)
    assert __main__.main(["check"]) == Exit.STOPPED
    assert capsys.readouterr().err == "stopped, with all virtual machines\n"
