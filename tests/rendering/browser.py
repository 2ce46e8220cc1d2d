"""A headless Chromium, driven through its debugging pipe: no socket, no driver program."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, suppress

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-sync "
    "--disable-component-update --no-first-run --remote-debugging-pipe --hide-scrollbars "
    "--disable-dev-shm-usage --disable-extensions --mute-audio"
).split()
PATIENCE = 60


def find_browser():
    """The path of a Chromium of this machine, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One page. What goes wrong in its scripts is gathered in `errors`."""

    def __init__(self, send, receive):
        self._send = send
        self._receive = receive
        self._number = 0
        self.errors = []
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    _session = None

    def _ask(self, method, **params):
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._send(message)
        while True:
            answer = self._receive()
            self._note(answer)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    ask = _ask

    def _note(self, answer):
        if answer.get("method") == "Runtime.exceptionThrown":
            self.errors.append(answer["params"]["exceptionDetails"])
        entry = answer.get("params", {}).get("entry", {})
        if answer.get("method") == "Log.entryAdded" and entry["level"] == "error":
            self.errors.append(entry)

    def size(self, width, height):
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    def colours(self, scheme):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.ask("Emulation.setEmulatedMedia", features=features)

    def open(self, path, fragment=""):
        self.ask("Page.navigate", url=path.resolve().as_uri() + fragment)
        self.wait("document.readyState === 'complete'")

    def reload(self):
        self.run("window.before = true")
        self.ask("Page.reload")
        self.wait("typeof before === 'undefined' && document.readyState === 'complete'")

    def run(self, code):
        """The value of a JavaScript expression."""
        result = self.ask(
            "Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait(self, code):
        """Waits until the expression holds."""
        end = time.monotonic() + PATIENCE
        while not self.run(code):
            assert time.monotonic() < end, f"never: {code}"
            time.sleep(0.02)

    def click(self, selector):
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def type(self, selector, text):
        element = f"document.querySelector({json.dumps(selector)})"
        self.run(
            f"(e => {{ e.value = {json.dumps(text)}; e.dispatchEvent(new Event('input')); "
            f"e.dispatchEvent(new Event('change')); }})({element})"
        )

    def press(self, *keys):
        for key in keys:
            text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
            code = {"Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39,
                    "ArrowDown": 40, "End": 35, "Home": 36}.get(key, 0)  # fmt: skip
            for kind in ("keyDown", "keyUp"):
                self.ask(
                    "Input.dispatchKeyEvent", type=kind, key=key, code=key,
                    windowsVirtualKeyCode=code, **(text if kind == "keyDown" else {}),
                )  # fmt: skip

    def screenshot(self, path):
        shot = self.ask("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def downloads(self, folder):
        self.ask("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))


@contextmanager
def browsing(browser, profile):
    """A page of a browser that knows nothing of earlier ones."""
    here, theirs = os.pipe(), os.pipe()
    # Chromium reads its orders from descriptor 3 and writes its answers to 4.
    command = [
        "/bin/bash",
        "-c",
        f'exec "$@" 3<&{here[0]} 4>&{theirs[1]}',
        "bash",
        browser,
        *OPTIONS,
    ]
    process = subprocess.Popen(
        [*command, f"--user-data-dir={profile}"],
        pass_fds=(here[0], theirs[1]),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(here[0])
    os.close(theirs[1])
    orders, answers = os.fdopen(here[1], "wb"), os.fdopen(theirs[0], "rb")
    rest = bytearray()

    def send(message):
        orders.write(json.dumps(message).encode() + b"\0")
        orders.flush()

    def receive():
        while b"\0" not in rest:
            piece = answers.read1(1 << 20)
            assert piece, "the browser has gone"
            rest.extend(piece)
        line, _, left = bytes(rest).partition(b"\0")
        rest[:] = left
        return json.loads(line)

    try:
        yield Page(send, receive)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        answers.close()
        with suppress(BrokenPipeError):
            orders.close()
