"""The report in a real browser: widths, light and dark, accessibility, and that it loads nothing.

Skipped where there is no Chromium; Playwright is told which one to use and downloads none.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from axis_audit.report.page import write_page
from tests.report.made_reports import HOSTILE, every_verdict, finding, made

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in _NAMES if (path := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium on the path")
VIEWS = [(width, scheme) for width in (390, 1440) for scheme in ("light", "dark")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "audit.html"
    long = finding("axis.use", claim="a" * 300, reason=HOSTILE, details={"x" * 200: "y" * 400})
    write_page(made(*every_verdict(), long, missing=("axis.smoothness",)), path)
    return path.as_uri()


def _opened(browser: Any, address: str, width: int, scheme: str) -> tuple[Any, list[str]]:
    # The policy is lifted for axe alone, which is a script put into the page.
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    page, events = context.new_page(), []
    page.on("request", lambda request: events.append(f"request: {request.url}"))
    page.on("console", lambda message: events.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: events.append(f"error: {error}"))
    page.goto(address)
    return page, events


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_the_page_fits_loads_nothing_and_can_be_used_by_everybody(
    browser: Any, address: str, width: int, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page, events = _opened(browser, address, width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page).response["violations"]
    assert not [(v["id"], v["impact"], v["nodes"][0]["html"]) for v in found]
    assert events == [f"request: {address}"]
    page.context.close()


def test_its_own_policy_lets_its_style_through(browser: Any, address: str) -> None:
    page = browser.new_page()
    events: list[str] = []
    page.on("console", lambda message: events.append(message.text))
    page.goto(address)
    assert not events
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.chip')).borderTopWidth") != "0px"
    )
    page.context.close()


def test_the_keyboard_reaches_and_opens_findings(browser: Any, address: str) -> None:
    page, _ = _opened(browser, address, 1440, "light")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    summary = page.locator("details:not([open]) > summary").first
    summary.focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    finding_id = summary.evaluate("s => s.parentElement.id")
    page.keyboard.press("Enter")
    assert page.evaluate(f"document.getElementById('{finding_id}').open")
    page.context.close()


def test_print_shows_what_is_folded(browser: Any, address: str, tmp_path: Path) -> None:
    page, _ = _opened(browser, address, 1440, "dark")
    page.emulate_media(media="print")
    hidden = page.evaluate(
        "[...document.querySelectorAll('details .body')].filter(b => !b.offsetHeight).length"
    )
    assert hidden == 0
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.context.close()
