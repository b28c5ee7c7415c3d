"""Opens the live page in a browser: it follows the training, stops it, writes nothing to the console, and asks no other
origin.

  page_test.py SHOW_LIVE CHROMIUM FOLDER_FOR_SCREENSHOTS
"""

import subprocess
import sys
from urllib.parse import urlsplit

from playwright.sync_api import expect, sync_playwright

show_live, chromium, folder = sys.argv[1:]
failures = []


def check(holds, what):
    if not holds:
        failures.append(what)
        print("FAILED:", what)


def watch(page, origin):
    """Notes every console message, error and request to another origin as a failure."""
    page.on("console", lambda message: check(False, f"console: {message.text}"))
    page.on("pageerror", lambda error: check(False, f"error: {error}"))
    page.on("request", lambda request: check(
        "{0.scheme}://{0.netloc}".format(urlsplit(request.url)) == origin or request.url.startswith("data:"),
        f"request to {request.url}"))


class Training:
    """A training on a live page. Each call of `finish_epoch` ends the epoch that waits."""

    def __init__(self, epochs, done):
        self.program = subprocess.Popen([show_live, str(epochs), str(done)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.address = self.program.stdout.readline().strip()
        self.origin = self.address.split("/#")[0]

    def open(self, browser, address, **options):
        page = browser.new_page(**options)
        watch(page, self.origin)
        page.goto(address)
        return page

    def finish_epoch(self):
        self.program.stdin.write("\n")
        self.program.stdin.flush()

    def end(self):
        epochs = int(self.program.communicate(timeout=20)[0])
        check(self.program.returncode == 0, "the program should end well")
        return epochs


def follows_and_stops(browser):
    training = Training(epochs=60, done=2)
    page = training.open(browser, training.address)
    expect(page.locator("#name")).to_have_text("resnet18_all")
    expect(page.locator("#scoreName")).to_have_text("Macro ROC-AUC")
    expect(page.locator("#stage")).to_have_text("training")
    expect(page.locator("#where")).to_contain_text("epoch 3 of 60, step 7 of 12")
    check(page.locator("#loss path.first").get_attribute("d").count("L") == 1, "two epochs should be a line")
    training.finish_epoch()
    expect(page.locator("#where")).to_contain_text("epoch 4 of 60, step 7 of 12")
    check(page.locator("#loss path.first").get_attribute("d").count("L") == 2, "the line should grow")

    page.hover("#score", position={"x": 30, "y": 60})
    expect(page.locator("#lossAside")).to_have_text("epoch 1")
    page.mouse.move(0, 0)
    expect(page.locator("#lossAside")).to_have_text("")
    page.focus("#loss")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#scoreAside")).to_have_text("epoch 2")
    page.keyboard.press("Escape")

    page.focus("#stop")
    page.keyboard.press("Enter")
    expect(page.locator("#ask")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#ask")).to_be_hidden()
    page.click("#stop")
    page.click("#really")
    expect(page.locator("#stage")).to_have_text("training, stops after this epoch")
    training.finish_epoch()
    expect(page.locator("#stage")).to_have_text("finished")
    expect(page.locator("#result")).to_contain_text("Test macro ROC-AUC 0.9081")
    expect(page.locator("#progress")).to_be_hidden()
    page.click("summary")
    check(page.locator("#epochs tr").count() == 4, "the table should have a row for each epoch")
    check(training.end() == 4, "the training should stop after the epoch in which that was asked for")
    page.wait_for_timeout(500)  # no message may follow the end
    page.close()


def cannot_stop_without_the_token(browser):
    training = Training(epochs=3, done=1)
    page = training.open(browser, training.origin)
    expect(page.locator("#stage")).to_have_text("training")
    expect(page.locator("#stop")).to_be_disabled()
    training.end()
    expect(page.locator("#stage")).to_have_text("finished")
    page.close()


def fits_every_screen(browser):
    training = Training(epochs=20, done=14)
    for width, scheme in ((360, "dark"), (360, "light"), (900, "light"), (1600, "light"), (1600, "dark")):
        page = training.open(browser, training.address, viewport={"width": width, "height": 900}, color_scheme=scheme)
        expect(page.locator("#where")).to_contain_text("epoch 15 of 20")
        page.wait_for_timeout(100)
        page.screenshot(path=f"{folder}/live-{width}-{scheme}.png", full_page=True)
        check(page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{width} pixels should be wide enough")
        page.close()
    training.end()


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    for test in (follows_and_stops, cannot_stop_without_the_token, fits_every_screen):
        try:
            test(browser)
        except Exception as error:
            check(False, f"{test.__name__}: {error}")
    browser.close()
print("PASSED" if not failures else f"{len(failures)} failures")
sys.exit(bool(failures))
