# SPDX-License-Identifier: GPL-2.0-only
"""A small driver of Debian's Chromium: DevTools protocol through a pipe, standard library only."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PROGRAM = "chromium-headless-shell"  # Chromium without windows: half the work for each page
MISSING = f"no Chromium here: apt-get install {PROGRAM}"
PATIENCE = 30  # seconds
TEXT = {".html", ".css", ".js", ".svg", ".txt"}
FLAGS = [
    "--remote-debugging-pipe",
    "--no-first-run",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # whatever is asked for
]


@cache
def compressed(path: Path) -> bytes:
    """A file as it is sent: most are sent with every page."""
    return gzip.compress(path.read_bytes(), mtime=0)


class Pages(SimpleHTTPRequestHandler):
    """Serves files, those of text gzipped, as any host of the site would."""

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.send_error(404)
            return
        text = path.suffix in TEXT
        body = compressed(path) if text else path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        if text:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def served(site: Path) -> Iterator[str]:
    """The address at which the files of a directory are served."""

    def handler(*arguments: Any) -> Pages:
        return Pages(*arguments, directory=str(site))

    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


class Chromium:
    """One browser with one tab; ``requests`` and ``weight`` are of the page opened last."""

    def __init__(self, profile: str) -> None:
        program = shutil.which(PROGRAM)
        if program is None:
            raise FileNotFoundError(MISSING)
        flags = [*FLAGS, f"--user-data-dir={profile}"]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")
        to_read, self.to = os.pipe()
        self.back, to_write = os.pipe()
        # Chromium reads commands from descriptor 3 and writes answers to 4.
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{to_read} 4>&{to_write}', "bash", program, *flags],
            pass_fds=(to_read, to_write),
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self.unread = b""
        self.count = 0
        self.session: str | None = None
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.weight = 0
        self.loaded = False
        self.sized: tuple[int, int] | None = None
        self.tab = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=self.tab, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.send(f"{domain}.enable")
        self.send("Network.setCacheDisabled", cacheDisabled=True)

    def message(self) -> dict[str, Any]:
        """The next answer or event."""
        while b"\0" not in self.unread:
            more = os.read(self.back, 1 << 20)
            if not more:
                raise EOFError("Chromium ended")
            self.unread += more
        text, _, self.unread = self.unread.partition(b"\0")
        found: dict[str, Any] = json.loads(text)
        self.note(found.get("method", ""), found.get("params", {}))
        return found

    def note(self, method: str, event: dict[str, Any]) -> None:
        """Keep what an event tells."""
        if method == "Network.requestWillBeSent":
            if (event.get("type"), event["frameId"]) == ("Document", self.tab):
                self.requests, self.complaints, self.weight = [], [], 0
            self.requests.append(event["request"]["url"])
        elif method == "Network.loadingFinished":
            self.weight += event["encodedDataLength"]
        elif method == "Log.entryAdded" and event["entry"]["level"] == "error":
            self.complaints.append(event["entry"]["text"])
        elif method == "Page.loadEventFired":
            self.loaded = True

    def press(self, key: str, code: int, modifiers: int = 0) -> None:
        """Press a key and let it go."""
        event = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        text = "\r" if key == "Enter" and not modifiers else ""
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **event)
        self.send("Input.dispatchKeyEvent", type="keyUp", **event)

    def send(self, method: str, **params: object) -> dict[str, Any]:
        """Give a command and wait for its answer."""
        self.count += 1
        command = {"id": self.count, "method": method, "params": params}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.to, json.dumps(command).encode() + b"\0")
        while (answer := self.message()).get("id") != self.count:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, address: str) -> None:
        """Open a page and wait until all of it is there."""
        shown = self.evaluate("location.href")
        if shown.partition("#")[0] == address.partition("#")[0]:  # the browser would only scroll
            self.open("about:blank")
        self.loaded = False
        self.send("Page.navigate", url=address)
        while not self.loaded:
            self.message()

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, awaited if it is a promise."""
        found = self.send(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if "exceptionDetails" in found:
            raise RuntimeError(f"{expression[:200]}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def wait_for(self, expression: str) -> Any:
        """Wait until an expression is true."""
        end = time.monotonic() + PATIENCE
        while not (value := self.evaluate(expression)):
            if time.monotonic() > end:
                raise TimeoutError(expression)
            time.sleep(0.02)
        return value

    def media(self, kind: str = "screen", scheme: str = "light") -> None:
        """Show pages as on a screen or on paper, to a reader who prefers light or dark."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", media=kind, features=features)

    def size(self, width: int, height: int = 900) -> None:
        """Give the window a size; a change takes a while."""
        if self.sized == (width, height):
            return
        self.sized = (width, height)
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )


@contextmanager
def chromium() -> Iterator[Chromium]:
    """A browser that knows nothing, and ends with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Chromium(profile)
        try:
            yield browser
        finally:
            browser.process.terminate()
            browser.process.wait()
            os.close(browser.to)
            os.close(browser.back)


__all__ = ["MISSING", "PROGRAM", "Chromium", "chromium", "served"]
