"""Opens the live page in a browser: it follows the training, stops it, writes nothing to the console, and asks no other
origin.

  page_test.py SHOW_LIVE CHROMIUM FOLDER_FOR_SCREENSHOTS
"""

import re
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


def start(epochs, seconds):
    program = subprocess.Popen([show_live, str(epochs), str(seconds)], stdout=subprocess.PIPE, text=True)
    address = program.stdout.readline().strip()
    return program, address, address.split("/#")[0]


def follows_and_stops(browser):
    program, address, origin = start(60, 0.4)
    page = browser.new_page(viewport={"width": 900, "height": 1000})
    watch(page, origin)
    page.goto(address)
    expect(page.locator("#name")).to_have_text("resnet18_all")
    expect(page.locator("#scoreName")).to_have_text("Macro ROC-AUC")
    expect(page.locator("#stage")).to_have_text("training")
    expect(page.locator("#where")).to_have_text(re.compile(r"epoch ([3-9]|\d\d) of 60"), timeout=20000)
    curve = page.locator("#loss path.first")
    before = curve.get_attribute("d")
    page.wait_for_function("before => document.querySelector('#loss path.first').getAttribute('d') !== before", arg=before)
    check(curve.get_attribute("d").count("L") > before.count("L"), "a curve should grow")

    page.hover("#score", position={"x": 60, "y": 60})
    expect(page.locator("#lossLegend")).to_contain_text(re.compile(r"epoch \d"))
    page.mouse.move(0, 0)
    page.focus("#loss")
    page.keyboard.press("Home")
    expect(page.locator("#scoreLegend")).to_contain_text("epoch 1")
    page.keyboard.press("Escape")

    page.focus("#stop")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#ask")).to_be_hidden()
    expect(page.locator("#stop")).to_be_enabled()
    page.click("#stop")
    page.click("#really")
    expect(page.locator("#stage")).to_have_text("finished", timeout=20000)
    expect(page.locator("#result")).to_contain_text("Test macro ROC-AUC 0.9081")
    page.click("summary")
    epochs = int(program.communicate(timeout=20)[0])
    check(program.returncode == 0 and epochs < 60, f"the training should stop early, not after {epochs} epochs")
    check(page.locator("#epochs tr").count() == epochs, "the table should have a row for each epoch")
    page.wait_for_timeout(500)
    page.close()


def cannot_stop_without_the_token(browser):
    program, address, origin = start(3, 0.5)
    page = browser.new_page()
    watch(page, origin)
    page.goto(origin)
    expect(page.locator("#stage")).to_have_text("training")
    expect(page.locator("#stop")).to_be_disabled()
    expect(page.locator("#stage")).to_have_text("finished", timeout=20000)
    page.close()
    program.wait()


def fits_every_screen(browser):
    for width, scheme in ((360, "dark"), (360, "light"), (900, "light"), (1600, "light"), (1600, "dark")):
        program, address, origin = start(20, 0.15)
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        watch(page, origin)
        page.goto(address)
        expect(page.locator("#where")).to_have_text(re.compile(r"epoch 1[4-9] of 20"), timeout=20000)
        page.screenshot(path=f"{folder}/live-{width}-{scheme}.png", full_page=True)
        check(page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{width} pixels should be wide enough")
        page.close()
        program.wait()


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
