"""Opens a page in an installed Chromium or Chrome and queries it over the DevTools protocol's pipe.

This needs no driver or library: the browser reads commands from file descriptor 3 and answers on 4, each a
JSON object terminated by a zero byte (`--remote-debugging-pipe`).
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-dev-shm-usage", "--remote-debugging-pipe"]  # fmt: skip

# Duplicated to higher numbers first, because the pipes' ends may already be 3 and 4 in the wrong order.
START = """
import fcntl, os, sys
reads, writes = (fcntl.fcntl(int(descriptor), fcntl.F_DUPFD, 10) for descriptor in sys.argv[1:3])
os.dup2(reads, 3), os.dup2(writes, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def installed() -> str | None:
    """Return the path of an installed Chromium or Chrome, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


needed = pytest.mark.skipif(
    installed() is None, reason="no Chromium or Chrome is installed to open a page in"
)


class Page:
    """An open page; `requests` lists the URLs that it has requested."""

    def __init__(self, to_browser: int, from_browser: int):
        self.output, self.input = to_browser, os.fdopen(from_browser, "rb")
        self.session, self.count = None, 0
        self.requests: list[str] = []
        self.events: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.send("Page.enable")
        self.send("Network.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the browser's answer to a command; RuntimeError if it reports an error."""
        self.count += 1
        command = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        pending = json.dumps(command).encode() + b"\0"
        while pending:
            pending = pending[os.write(self.output, pending) :]
        while (message := self._read()).get("id") != self.count:
            pass
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']}")
        return message["result"]

    def open(self, path: Path, width: int, height: int = 900) -> None:
        """Load a file in a window that is `width` CSS pixels wide, and wait until it is loaded."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.requests.clear()
        self.events.clear()
        self.send("Page.navigate", url=path.resolve().as_uri())
        while "Page.loadEventFired" not in self.events:
            self._read()

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def _read(self) -> dict[str, Any]:
        received = bytearray()
        while (byte := self.input.read(1)) != b"\0":
            if not byte:
                raise RuntimeError("the browser has ended")
            received += byte
        message = json.loads(received)
        self.events.append(message.get("method", ""))
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])
        return message


@contextlib.contextmanager
def browser(program: str, profile: Path, seconds: float = 60) -> Iterator[Page]:
    """Yield a page of a new browser whose profile is the empty folder `profile`.

    The browser is closed on exit, or killed after `seconds`; whatever waits for it then sees a closed pipe.
    """
    (browser_reads, we_write), (we_read, browser_writes) = os.pipe(), os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", START, str(browser_reads), str(browser_writes), program, *FLAGS,
         f"--user-data-dir={profile}"],
        pass_fds=[browser_reads, browser_writes], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(browser_reads)
    os.close(browser_writes)
    watch = threading.Timer(seconds, process.kill)
    watch.start()
    try:
        page = Page(we_write, we_read)
        yield page
        page.session = None
        page.send("Browser.close")
        process.wait()
    finally:
        watch.cancel()
        process.kill()
        process.wait()
        os.close(we_write)


@contextlib.contextmanager
def opened(file: Path, profile: Path, width: int, height: int = 900) -> Iterator[Page]:
    """Yield a file as a page of the installed browser, in a window of this size in CSS pixels."""
    program = installed()
    assert program
    with browser(program, profile) as page:
        page.open(file, width, height)
        yield page
