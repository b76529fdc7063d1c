# SPDX-License-Identifier: GPL-2.0-only
"""A small driver of Debian's Firefox: the Marionette protocol, standard library only."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE = 90  # seconds
PREFERENCES = {
    "marionette.port": 0,  # any that is free; the profile then names it
    "network.dns.disabled": True,  # only addresses in numbers
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "browser.shell.checkDefaultBrowser": False,
}


class Firefox:
    """One browser with one tab."""

    def __init__(self, profile: Path) -> None:
        program = shutil.which("firefox-esr") or shutil.which("firefox")
        if program is None:
            raise FileNotFoundError("no Firefox here: apt-get install firefox-esr")
        lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items())
        (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
        command = [program, "--headless", "--marionette", "--no-remote", "--profile", str(profile)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.unread, self.count = b"", 0
        self.socket = self.connected(profile / "MarionetteActivePort")
        self.message()  # its greeting
        self.send("WebDriver:NewSession", capabilities={"alwaysMatch": {}})
        self.send("WebDriver:SetTimeouts", script=1000 * PATIENCE)

    def connected(self, port: Path) -> socket.socket:
        """The connection, once the browser listens."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                return socket.create_connection(("127.0.0.1", int(port.read_text())), PATIENCE)
            except (OSError, ValueError):
                time.sleep(0.1)
        raise TimeoutError("Firefox does not listen")

    def message(self) -> Any:
        """The next message: its length, a colon, and JSON."""
        while True:
            length, colon, rest = self.unread.partition(b":")
            if colon and len(rest) >= int(length):
                self.unread = rest[int(length) :]
                return json.loads(rest[: int(length)])
            more = self.socket.recv(1 << 16)
            if not more:
                raise EOFError("Firefox ended")
            self.unread += more

    def send(self, method: str, **params: object) -> Any:
        """Give a command and wait for its answer."""
        self.count += 1
        text = json.dumps([0, self.count, method, params]).encode()
        self.socket.sendall(b"%d:%s" % (len(text), text))
        _, _, error, result = self.message()
        if error:
            raise RuntimeError(f"{method}: {error['message']}")
        return result.get("value") if isinstance(result, dict) else result

    def open(self, address: str) -> None:
        """Open a page and wait until all of it is there."""
        self.send("WebDriver:Navigate", url=address)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        return self.send(
            "WebDriver:ExecuteScript", script=f"return ({expression})", args=[], sandbox=None
        )

    def wait_for(self, expression: str) -> Any:
        """Wait until an expression is true."""
        end = time.monotonic() + PATIENCE
        while not (value := self.evaluate(expression)):
            if time.monotonic() > end:
                raise TimeoutError(expression)
            time.sleep(0.05)
        return value


@contextmanager
def firefox() -> Iterator[Firefox]:
    """A browser that knows nothing, and ends with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Firefox(Path(profile))
        try:
            yield browser
        finally:
            browser.process.terminate()
            browser.process.wait()
            browser.socket.close()


__all__ = ["Firefox", "firefox"]
