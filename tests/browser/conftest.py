"""A browser and a gallery that live as long as the tests of this folder."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    Page,
    expect,
    sync_playwright,
)
from playwright.sync_api import TimeoutError as TooSlow

from tests.browser import chromium
from tests.browser.gallery import make_gallery

expect.set_options(timeout=chromium.PATIENCE_MS)

_WATCH = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.__violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
"""


@dataclass
class Visitor:
    """One person with a browser of their own.

    Attributes:
        complaints: errors of the console and exceptions of scripts.
        fetched: addresses that were asked for.
    """

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(self.address + path)

    def sign_in(self, login: str, password: str) -> None:
        """Sign in by the page, and wait for Today."""
        self.open("/login")
        self.page.fill("[name=login]", login)
        self.page.fill("[name=password]", password)
        self.page.press("[name=password]", "Enter")
        self.page.wait_for_url(f"{self.address}/")

    def open_whole(self, path: str) -> None:
        """Open, and wait for scripts, charts and the editor."""
        self.open(path)
        self.page.wait_for_function(
            """() => document.documentElement.classList.contains("has-script") &&
            !document.querySelector("[data-chart]:not(:has(svg)), [data-editor]:not([hidden])")"""
        )

    def violations(self) -> list[str]:
        """What the Content-Security-Policy refused."""
        found: list[str] = self.page.evaluate("window.__violations")
        return found

    def overflow(self, width: int) -> list[str]:
        """Elements that make the page wider than its window."""
        self.page.set_viewport_size({"width": width, "height": 900})
        # Charts follow a new width a moment later.
        with suppress(TooSlow):
            fits = "(width) => document.documentElement.scrollWidth <= width"
            self.page.wait_for_function(fits, arg=width)
        script = """(width) => document.documentElement.scrollWidth <= width ? [] :
          [...document.querySelectorAll("body *")]
            .filter((e) => e.getBoundingClientRect().right > width + 1 && !e.closest(".scroll-x"))
            .slice(0, 5).map((e) => `${e.tagName}.${e.className}`)"""
        found: list[str] = self.page.evaluate(script, width)
        return found

    def stop_undo_running_out(self) -> None:
        """On pages opened from now on, a message's ten seconds do not pass.

        A busy machine may need longer than that to find and press a button.
        """
        self.page.add_init_script(
            """const later = window.setTimeout;
            window.setTimeout = (call, ms, ...rest) =>
              ms >= 10000 ? 0 : later(call, ms, ...rest);"""
        )

    def grave_findings(self) -> list[str]:
        """Serious and critical findings of axe."""
        self.page.evaluate(chromium.AXE.read_text())
        script = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
          .filter((v) => ["serious", "critical"].includes(v.impact))
          .flatMap((v) => v.nodes.slice(0, 3).map((n) => `${v.id}: ${n.html.slice(0, 160)} ` +
            `${(n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? ""}`))"""
        found: list[str] = self.page.evaluate(script)
        return found


@contextmanager
def visiting(
    browser: Browser,
    address: str,
    language: str = "zh",
    theme: str = "light",
    width: int = 1440,
    **more: Any,
) -> Iterator[Visitor]:
    """One person with a fresh profile, whose complaints and requests are kept."""
    context = browser.new_context(viewport={"width": width, "height": 900}, **more)
    try:
        context.add_init_script(_WATCH)
        for name, value in (("language", language), ("theme", theme)):
            context.add_cookies([{"name": f"hedgewarden_{name}", "value": value, "url": address}])
        visitor = Visitor(context.new_page(), address)
        page = visitor.page
        page.set_default_timeout(chromium.PATIENCE_MS)
        page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        page.on("request", lambda request: visitor.fetched.append(request.url))
        page.on(
            "console",
            lambda said: visitor.complaints.append(said.text) if said.type == "error" else None,
        )
        yield visitor
    finally:
        context.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    reason = chromium.missing()
    if reason:
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.executable(),
            args=list(chromium.ARGUMENTS),
            timeout=4 * chromium.PATIENCE_MS,
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def gallery(browser: Browser) -> Iterator[str]:
    with chromium.serving(make_gallery()) as address:
        yield address


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(browser: Browser, gallery: str) -> Iterator[Visit]:
    """Makes visitors: ``visit(language="zh", theme="dark", width=390)``."""
    with ExitStack() as stack:
        yield lambda *looks, **more: stack.enter_context(visiting(browser, gallery, *looks, **more))
