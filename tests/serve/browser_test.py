"""A file dropped on the server's page shows the drawn ECG with the reading, in a real browser:

    browser_test.py SERVE RUN FILE [FOLDER]      FOLDER is for screenshots

It drives Chromium, $ECG_CHROMIUM or else Debian's, through a pipe by the DevTools protocol
(https://chromedevtools.github.io/devtools-protocol).
"""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

PROGRAM = os.environ.get("ECG_CHROMIUM") or shutil.which("chromium")
if PROGRAM is None:
    print("skipped: Debian's chromium is not installed, and $ECG_CHROMIUM names no other")
    sys.exit(0)
serve, run, recording = sys.argv[1:4]
screenshots = sys.argv[4] if len(sys.argv) > 4 else None


class Browser:
    """Chromium with one page, and the events that it sent."""

    def __init__(self, folder):
        to_read, self.to_write = os.pipe()
        self.from_read, from_write = os.pipe()
        # The browser reads from 3 and writes to 4.
        wired = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (to_read, from_write)]
        os.close(to_read)
        os.close(from_write)
        command = [PROGRAM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                   "--disable-background-networking", "--remote-debugging-pipe", "--user-data-dir=" + folder]  # fmt: skip
        wire = 'exec 3<&%d 4>&%d; exec "$@"' % tuple(wired)
        self.process = subprocess.Popen(["bash", "-c", wire, "bash"] + command, pass_fds=wired, stderr=subprocess.DEVNULL)
        for fd in wired:
            os.close(fd)
        self.pending, self.events, self.count, self.session = b"", [], 0, None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(domain + ".enable")

    def call(self, method, **parameters):
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self.count:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _read(self):
        while b"\0" not in self.pending:
            more = os.read(self.from_read, 1 << 20)
            assert more, "the browser ended"
            self.pending += more
        message, self.pending = self.pending.split(b"\0", 1)
        return json.loads(message)

    def evaluate(self, expression):
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait_for(self, expression):
        end = time.monotonic() + 30
        while not self.evaluate(expression):
            assert time.monotonic() < end, (expression, self.evaluate("document.body.innerText"))
            time.sleep(0.05)

    def drop(self, path):
        x, y = self.evaluate("(r => [r.x + r.width / 2, r.y + r.height / 2])(drop.getBoundingClientRect())")
        for kind in ["dragEnter", "dragOver", "drop"]:
            data = {"items": [], "files": [os.path.abspath(path)], "dragOperationsMask": 1}
            self.call("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def messages(self):
        """Returns what the console shows."""
        kinds = ["Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"]
        return [event["params"] for event in self.events if event.get("method") in kinds]

    def urls(self):
        return [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]

    def close(self):
        self.call("Browser.close")
        self.process.wait(30)


def check_page(browser, address, width):
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
    browser.call("Page.navigate", url=address)
    browser.wait_for("document.readyState === 'complete' && typeof readAll === 'function'")
    assert "Not a medical device" in browser.evaluate("document.body.innerText")
    browser.drop(recording)
    browser.wait_for("[...document.querySelectorAll('article img')].some(image => image.complete && image.naturalWidth)")
    if screenshots:
        height = browser.evaluate("document.documentElement.scrollHeight")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        image = browser.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)["data"]
        with open(os.path.join(screenshots, f"page-{width}.png"), "wb") as file:
            file.write(base64.b64decode(image))
    text = browser.evaluate("document.querySelector('article').innerText")
    assert os.path.basename(recording) in text and "%" in text, text
    assert browser.evaluate("document.querySelectorAll('article tbody tr').length") > 0
    wide = browser.evaluate("Math.max(...[...document.querySelectorAll('article *:not(figure *)')].map(e => e.getBoundingClientRect().right))")
    assert wide <= width, f"the page has {wide} px where there are {width}"
    assert not browser.messages(), browser.messages()
    foreign = [url for url in browser.urls() if not url.startswith((address, "blob:" + address, "data:", "about:"))]
    assert not foreign, foreign


def check_bad_file(browser, folder):
    bad = os.path.join(folder, "bad.xml")
    with open(bad, "w") as file:
        file.write("no recording")
    browser.drop(bad)
    browser.wait_for("document.querySelector('article .error') !== null")
    text = browser.evaluate("document.querySelector('article').innerText")
    assert "bad.xml" in text and "format" in text, text


server = subprocess.Popen([serve, "--model=" + run, "--port=0"], stdout=subprocess.PIPE, text=True)
try:
    address = server.stdout.readline().split()[-1]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(folder)
        for width in [360, 900, 1600]:
            check_page(browser, address, width)
        check_bad_file(browser, folder)
        browser.close()
finally:
    server.terminate()
    server.wait()
print("passed")
