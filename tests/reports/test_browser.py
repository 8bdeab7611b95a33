"""The report in a real browser: no error, nothing too wide, readable."""

import shutil

import pytest

from tests.support.run_records import large_run
from tfsnn.reports import build_report, write_html

pytestmark = [pytest.mark.slow, pytest.mark.checkout]
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
SIZES = {"desktop": (1280, 900), "phone": (375, 700)}
NUM_RUNS = 5


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A report of five runs with three T each."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    runs = [large_run(f"run {n}") for n in range(NUM_RUNS)]
    write_html(build_report(runs), path)
    return path


@pytest.fixture(scope="module")
def browser():
    if BROWSER is None or DRIVER is None:
        pytest.skip("chromium and chromedriver are not on PATH")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(DRIVER)
    found = webdriver.Chrome(options=options, service=service)
    yield found
    found.quit()


def opened(browser, page, size="desktop", scheme="light"):
    width, height = SIZES[size]
    metrics = {
        "width": width,
        "height": height,
        "deviceScaleFactor": 1,
        "mobile": size == "phone",
    }
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [feature]}
    )
    browser.get(page.as_uri())
    return browser


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_error_and_every_figure_visible(browser, page, size, scheme):
    opened(browser, page, size, scheme)
    assert browser.get_log("browser") == []
    width = browser.execute_script(
        "return document.documentElement.scrollWidth"
    )
    assert width <= SIZES[size][0]
    boxes = browser.execute_script(
        "return Array.from(document.querySelectorAll('figure svg'))"
        ".map(x => x.getBoundingClientRect())"
        ".map(x => [x.left, x.width, x.height, x.right])"
    )
    assert len(boxes) == 3 + NUM_RUNS * (8 + 3)
    for left, wide, high, right in boxes:
        assert wide > 250
        assert high > 100
        assert left >= 0
        assert right <= SIZES[size][0]


def luminance(colour):
    parts = colour.partition("(")[2].rstrip(")").split(",")[:3]
    shares = [float(part) / 255 for part in parts]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in shares
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(browser, page, scheme):
    """A contrast of 4.5 to 1, as the WCAG asks for (level AA)."""
    opened(browser, page, scheme=scheme)
    pairs = browser.execute_script(
        "const style = (x) => getComputedStyle(document.querySelector(x));"
        "const body = style('body').backgroundColor;"
        "const card = style('figure').backgroundColor;"
        "return [[style('body').color, body], [style('a').color, body],"
        "[style('figcaption').color, card], [style('dt').color, body],"
        "[style('figure svg text').fill, card]]"
    )
    dark = luminance(pairs[0][1]) < 0.5
    assert dark == (scheme == "dark")
    for first, second in pairs:
        low, high = sorted((luminance(first), luminance(second)))
        assert (high + 0.05) / (low + 0.05) >= 4.5


def column(browser, place):
    return browser.execute_script(
        "return Array.from(document.querySelector('#overview table')"
        f".tBodies[0].rows).map(x => x.cells[{place}].textContent)"
    )


def test_a_click_sorts(browser, page):
    opened(browser, page)
    heads = browser.find_elements("css selector", "#overview th")
    before = column(browser, 1)
    assert before[:3] == ["4", "8", "16"]
    heads[1].click()
    assert column(browser, 1) == ["4"] * 5 + ["8"] * 5 + ["16"] * 5
    heads[1].click()
    assert column(browser, 1)[:5] == ["16"] * 5
    assert heads[1].get_attribute("aria-sort") == "descending"


def test_it_opens_at_once(browser, page):
    """Five runs of a network of 19 layers: less than 2 s, and 5 MB."""
    assert 1e6 < page.stat().st_size < 5e6
    assert min(seconds_to_open(browser, page) for _ in range(3)) < 2


def test_a_slow_page_is_noticed(browser, tmp_path):
    slow = tmp_path / "slow.html"
    loop = "const end = Date.now() + 2500; while (Date.now() < end) {}"
    slow.write_text(f"<html><body><script>{loop}</script></body></html>")
    assert seconds_to_open(browser, slow) > 2


def seconds_to_open(browser, page):
    """From the request to the end of the event 'load'."""
    browser.get("about:blank")
    browser.get(page.as_uri())
    ended = browser.execute_script(
        "return performance.getEntriesByType('navigation')[0].loadEventEnd"
    )
    return ended / 1000
