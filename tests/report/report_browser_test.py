"""Makes runs by hand, their pages with our programs, and uses the pages in Chromium as a person does."""

import csv
import json
import os
import random
import shutil
import subprocess
import sys

from playwright.sync_api import Error, sync_playwright

REPORT, COMPARE_RUNS, MAKE_DEMO, WORK, SCREENSHOTS = sys.argv[1:6]
RECORDS = 160
WIDTHS = (360, 900, 1600)
# The pixels between the margins of Letter and A4, at 96 to the inch.
PAPER = 718
CLASSES = ["1AVB", "AFIB", "CLBBB", "CRBBB", "IMI", "LVH", "NDT", "NORM", "SR", "<b>&\"'"]
# No record has this one.
MISSING = "PSVT"

failures = 0


def expect(condition, message):
    global failures
    if not condition:
        failures += 1
        print("FAILED:", message)


def make_run(folder, data_dir, noise):
    """Writes what a run leaves: a network that knows the statements of the records, with so much noise."""
    os.makedirs(folder)
    with open(os.path.join(data_dir, "ptbxl_database.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    classes = CLASSES + [MISSING]
    draw = random.Random(5)
    with open(os.path.join(folder, "predictions.csv"), "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["record"] + [f"{what}_{name}" for name in classes for what in ("target", "probability")])
        for place, row in enumerate(rows):
            line = [row["ecg_id"]]
            for name in classes:
                target = name + "'" in row["scp_codes"] if name[0] != "<" else place % 3 == 0
                target = name != MISSING and (bool(target) or draw.random() < 0.05)
                line += [int(target), round((target + noise * draw.random()) / (1 + noise), 6)]
            table.writerow(line)
    with open(os.path.join(folder, "history.csv"), "w") as file:
        file.write("epoch,train_loss,train_score,validation_loss,validation_score,learning_rate\n")
        for epoch in range(1, 11):
            file.write(f"{epoch},{50 / epoch},{1 - 0.5 / epoch},{55 / epoch},{1 - 0.6 / epoch},0.001\n")
    spec = "data { ptb_xl {} } model { resnet {} } training { multi_label {} }"
    with open(os.path.join(folder, "spec.textproto"), "w") as file:
        file.write(spec)
    per_class = [{"name": name, "positives": 3} for name in classes]
    run = {
        "name": "made_by_hand", "dataset": "ptbxl", "data_dir": data_dir, "synthetic": True,
        "records": {"total": RECORDS, "train": 10, "validation": 10, "test": RECORDS}, "epochs": 10, "best_epoch": 9,
        "validation": {"score": 0.9, "score_name": "macro ROC-AUC"},
        "test": {"score": 0.91, "score_name": "macro ROC-AUC", "per_class": per_class, "left_out_classes": [MISSING],
                 "bootstrap": {"mean": 0.9, "low": 0.88, "high": 0.93, "resamples": 100}},
        "spec": {"data": {"ptb_xl": {}, "data_dir": data_dir}, "evaluation": {"bootstrap": {"resamples": 100, "low_quantile": 0.05, "high_quantile": 0.95}}},
    }
    with open(os.path.join(folder, "run.json"), "w") as file:
        json.dump(run, file)


def make_pages():
    """Makes three pages, and returns their paths."""
    data_dir = os.path.join(WORK, "corpus")
    subprocess.run([MAKE_DEMO, f"--records={RECORDS}", f"--output_dir={data_dir}"], check=True, stdout=subprocess.DEVNULL)
    sweep = os.path.join(WORK, "sweep")
    with_rates = [(rate, size) for rate in ("0.1", "0.01") for size in ("16", "32")]
    for place, (rate, size) in enumerate(with_rates):
        make_run(os.path.join(sweep, f"rate={rate},size={size}"), data_dir, 1.5 + 0.5 * place)
    with open(os.path.join(sweep, "results.csv"), "w") as file:
        file.write("rate,size,experiment,score,validation,test,test_low,test_high,epochs,best_epoch,seconds\n")
        for rate, size in with_rates:
            file.write(f"{rate},{size},made_by_hand,macro ROC-AUC,0.9,0.9,0.88,0.92,10,9,1.0\n")
    runs = [os.path.join(sweep, f"rate={rate},size={size}") for rate, size in with_rates]
    comparison = os.path.join(WORK, "comparison.html")
    subprocess.run([REPORT, runs[0]], check=True)
    subprocess.run([REPORT, sweep], check=True)
    subprocess.run([COMPARE_RUNS, *runs[:3], "--resamples=50", f"--output={comparison}"], check=True)
    return os.path.join(runs[0], "report.html"), os.path.join(sweep, "results.html"), comparison


class Page:
    """A page in the browser, which records what it should not do."""

    def __init__(self, browser, path, width, scheme="light"):
        self.tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.tab.set_default_timeout(180_000)  # on a busy machine
        self.told = []
        self.tab.on("console", lambda message: self.told.append("console: " + message.text))
        self.tab.on("pageerror", lambda error: self.told.append("error: " + str(error)))
        self.tab.on("request", lambda request: self.told.append("request: " + request.url)
                    if not request.url.startswith(("data:", "file://" + path)) else None)
        self.tab.goto("file://" + path)
        self.tab.wait_for_selector("#foot p")
        self.name = f"{os.path.basename(path).split('.')[0]} at {width}"

    def close(self):
        expect(not self.told, f"{self.name} should be silent, not: {self.told[:5]}")
        self.tab.close()

    def column(self, table, place):
        return self.tab.eval_on_selector_all(
            f"{table} tbody tr:not([hidden])", f"rows => rows.map(row => row.children[{place}].innerText.trim())")


def check_layout(browser, path):
    for width in WIDTHS:
        page = Page(browser, path, width)
        wide = page.tab.evaluate("document.documentElement.scrollWidth")
        expect(wide <= width, f"{page.name} should not be {wide} pixels wide")
        page.tab.screenshot(path=os.path.join(SCREENSHOTS, f"{page.name}.png".replace(" ", "_")), full_page=True)
        page.close()


def check_report(browser, path):
    expect(os.path.getsize(path) < 3_000_000, f"the report should be below 3 MB, not {os.path.getsize(path)}")
    page = Page(browser, path, 1200)
    tab = page.tab
    # Sorting.
    names = page.column("#classes table", 0)
    expect(len(names) == len(CLASSES) + 1, f"all classes should be listed: {names}")
    expect(any(name.startswith("<b>&") for name in names), f"a name with HTML should stay as it is: {names}")
    tab.click("#classes th button:has-text('ROC\u2011AUC')")
    scores = [float(text) for text in page.column("#classes table", 2) if text != "–"]
    expect(scores == sorted(scores, reverse=True) and len(scores) == len(CLASSES), f"scores should be sorted: {scores}")
    tab.click("#classes th button:has-text('ROC\u2011AUC')")
    scores = [float(text) for text in page.column("#classes table", 2) if text != "–"]
    expect(scores == sorted(scores), f"scores should be sorted the other way: {scores}")
    expect(page.column("#classes table", 0)[-1].startswith(MISSING), "a class without a score should come last")
    # Searching.
    tab.fill("#search", "bundle branch")
    found = page.column("#classes table", 0)
    expect(len(found) == 2, f"the search should find both bundle branch blocks: {found}")
    expect("2 of 11 classes" in tab.inner_text("#classes .tools"), "the number of classes found should be told")
    tab.fill("#search", "")
    # Hovering.
    chart = tab.locator("#classes canvas").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    tooltip = "Chart.getChart(document.querySelector('#classes canvas')).tooltip"
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 4)
    tab.wait_for_function(f"{tooltip}.opacity > 0 && {tooltip}.title.length > 0")
    tab.mouse.move(5, 5)
    # The keyboard alone: from the top to the first chart, and along its points.
    tab.focus(".skip")
    reached = []
    for _ in range(30):
        tab.keyboard.press("Tab")
        reached.append(tab.evaluate("document.activeElement.tagName"))
        if reached[-1] == "CANVAS":
            break
    expect(reached[-1] == "CANVAS", f"the Tab key should reach a chart: {reached}")
    tab.keyboard.press("ArrowRight")
    said = tab.inner_text("#said")
    expect("Epoch" in said and "training" in said, f"an arrow key should read a point: {said!r}")
    tab.keyboard.press("ArrowDown")
    expect("validation" in tab.inner_text("#said"), "an arrow key should change the series")
    # A class is coloured by the keyboard.
    tab.focus("#classes tbody input:not(:checked):not(:disabled)")
    before = tab.locator("#classes tbody input:checked").count()
    tab.keyboard.press("Space")
    expect(tab.locator("#classes tbody input:checked").count() == before + 1, "Space should colour a class")
    # The rest is there.
    for part in ("result", "training", "calibration", "confusion", "patients", "records", "repeat"):
        expect(tab.locator("#" + part).count() == 1, f"there should be a section {part}")
    tab.select_option("#calibrated-class", index=2)
    drawn = tab.eval_on_selector_all("#records img", "images => images.map(image => image.naturalWidth)")
    expect(len(drawn) == 6 and all(drawn), f"six records should be drawn: {drawn}")
    # Themes.
    ground = "getComputedStyle(document.body).backgroundColor"
    light = tab.evaluate(ground)
    tab.click("header button")
    expect(tab.evaluate(ground) != light, "the button should change the theme")
    page.close()
    dark = Page(browser, path, 1200, "dark")
    expect(dark.tab.evaluate(ground) != light, "the system's dark theme should be taken")
    dark.tab.emulate_media(media="print")
    expect(dark.tab.evaluate(ground) == "rgb(255, 255, 255)", "paper should be white")
    dark.close()


def check_paper(browser, path):
    """A page on paper: nothing is wider than it, and charts fit, although a browser does not draw them again for it."""
    page = Page(browser, path, 1200)
    tab = page.tab
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    pixels = "all => all.map(one => one.width)"
    before = tab.eval_on_selector_all("canvas", pixels)
    tab.set_viewport_size({"width": PAPER, "height": 900})
    tab.emulate_media(media="print")
    tab.wait_for_timeout(300)
    wide = tab.evaluate("document.documentElement.scrollWidth")
    expect(wide <= PAPER, f"{page.name} should not be {wide} pixels wide on paper")
    expect(tab.eval_on_selector_all("canvas", pixels) == before, f"the charts of {page.name} should not follow the layout")
    out = tab.eval_on_selector_all(
        ".chart canvas", "all => all.filter(one => one.clientHeight > one.parentElement.clientHeight + 1).length")
    expect(out == 0, f"{out} charts of {page.name} are taller than their place on paper")
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    tab.pdf(path=os.path.join(SCREENSHOTS, f"{page.name}.pdf".replace(" ", "_")))
    page.close()


def split_at_charts(path):
    """Returns what is before Chart.js in a page, Chart.js, and what is behind it."""
    with open(path) as file:
        before, charts, behind = file.read().split("<script>\n", 2)
    return before + "<script>\n", charts.removesuffix("</script>\n"), "</script>\n<script>\n" + behind


def check_without_charts(browser, path):
    """The report of a program that was built where Chart.js was not installed."""
    before, _, behind = split_at_charts(path)
    cut = os.path.join(WORK, "without_charts.html")
    with open(cut, "w") as file:
        file.write(before + behind)
    page = Page(browser, cut, 1200)
    tab = page.tab
    expect(tab.locator("text=built without Chart.js").count() == 6, "each chart should be said to be missing")
    tab.fill("#search", "bundle branch")
    expect(len(page.column("#classes table", 0)) == 2, "the search should work without charts")
    tab.select_option("#calibrated-class", index=2)
    tab.click("header button")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.close()


def check_comparison(browser, path, results, has_map):
    page = Page(browser, path, 1200)
    tab = page.tab
    expect(len(page.column("#ranking table", 0)) == results, f"{page.name}: all results should be ranked")
    scores = [float(text) for text in page.column("#ranking table", 2)]
    expect(scores == sorted(scores, reverse=True), f"{page.name}: the best should come first: {scores}")
    tab.click("#ranking th button:has-text('Rank')")
    expect(page.column("#ranking table", 0)[0] == str(results), f"{page.name}: the ranking should turn around")
    expect(tab.locator("#differences td").count() == results * results, f"{page.name}: all differences should be there")
    expect((tab.locator("#map table").count() == 1) == has_map, f"{page.name}: whether there is a map")
    if has_map:
        expect(tab.locator("#ranking a").first.get_attribute("href").endswith("/report.html"), "a run should be linked")
    page.close()


def launch(playwright):
    options = {"args": ["--no-sandbox", "--disable-gpu"]}
    system = os.environ.get("ECG_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    return playwright.chromium.launch(executable_path=system, **options) if system else playwright.chromium.launch(**options)


with sync_playwright() as playwright:
    try:
        browser = launch(playwright)
    except Error as error:
        print("SKIPPED: no Chromium; apt-get install chromium, or playwright install chromium:", str(error).split("\n")[0])
        sys.exit(0)
    run, sweep, comparison = make_pages()
    check_without_charts(browser, run)
    if len(split_at_charts(run)[1]) > 1000:
        check_report(browser, run)
    else:
        print("SKIPPED: the charts, because there is no Chart.js here; apt-get install libjs-chart.js")
    check_comparison(browser, sweep, 4, has_map=True)
    check_comparison(browser, comparison, 3, has_map=False)
    for made in (run, sweep, comparison):
        check_layout(browser, made)
        check_paper(browser, made)
    browser.close()
sys.exit(1 if failures else 0)
