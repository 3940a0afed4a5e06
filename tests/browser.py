"""A page in headless Chromium, without a driver: the DevTools protocol through a pipe."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "chrome", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)


class Tab:
    """A page in headless Chromium, spoken to through a pipe in the DevTools protocol."""

    def __init__(self, process: subprocess.Popen[bytes], to: int, back: int) -> None:
        self.process, self.to, self.back = process, to, back
        self.number, self.rest, self.session = 0, b"", None
        self.events: list[str | None] = []

    def read(self) -> Any:
        """The next message; the names of events are kept."""
        while b"\0" not in self.rest:
            piece = os.read(self.back, 1 << 20)
            assert piece, "the browser has gone"
            self.rest += piece
        first, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(first)
        self.events.append(message.get("method"))
        return message

    def ask(self, method: str, **parameters: Any) -> Any:
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while (answer := self.read()).get("id") != self.number:
            pass
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def visit(self, file: Path, fragment: str = "") -> None:
        """Open a file in a new tab and wait until it is loaded."""
        self.session = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        self.ask("Page.enable")
        self.events.clear()
        self.ask("Page.navigate", url=f"{file.as_uri()}#{fragment}")
        while "Page.loadEventFired" not in self.events:
            self.read()

    def run(self, code: str) -> Any:
        told = self.ask("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def becomes(self, condition: str) -> bool:
        """Whether an expression becomes true: the effect of a click may take a moment."""
        return self.run(
            "new Promise(done => { let left = 1000; const look = () => "
            f"{condition} ? done(true) : left-- ? setTimeout(look, 10) : done(false); look(); }})"
        )

    def click(self, selector: str) -> None:
        """Press and release the mouse in the middle of an element."""
        x, y = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str, code: int, text: str = "") -> None:
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, text=text,
                     windowsVirtualKeyCode=code)  # fmt: skip

    def column(self, board: str, number: int) -> list[str]:
        return self.run(
            f"[...document.querySelectorAll('{board} tbody tr')].filter(r => !r.hidden)"
            f".map(r => r.cells[{number}].textContent)"
        )


@contextlib.contextmanager
def browser() -> Iterator[Tab]:
    """A tab, in a browser that is closed afterwards; `BROWSER` says whether there is one."""
    assert BROWSER is not None
    to_read, to = os.pipe()
    back, back_write = os.pipe()

    def pipes() -> None:  # the browser reads descriptor 3 and writes 4
        read, write = os.dup(to_read), os.dup(back_write)
        os.dup2(read, 3)
        os.dup2(write, 4)

    # The browser may still write to its profile when it is told to go.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
             "--disable-dev-shm-usage", "--no-first-run", f"--user-data-dir={profile}",
             "--window-size=1280,1000", "about:blank"],
            preexec_fn=pipes, close_fds=False, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_read)
        os.close(back_write)
        try:
            yield Tab(process, to, back)
        finally:
            process.kill()
            process.wait()
            os.close(to)
            os.close(back)
