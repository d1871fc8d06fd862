"""Takes the pictures of the console that README shows, in both themes, from the sample pages.

``python -m scripts.take_pictures`` writes ``docs/pictures/today.png`` and ``today-dark.png``.
"""

from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser import chromium
from tests.browser.gallery import make_gallery

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"


def main() -> None:
    """Take them all."""
    with chromium.serving(make_gallery()) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.executable(), args=list(chromium.ARGUMENTS)
        )
        for theme, name in (("light", "today.png"), ("dark", "today-dark.png")):
            context = browser.new_context(viewport={"width": 1440, "height": 810})
            for key, value in (("language", "en"), ("theme", theme)):
                cookie = {"name": f"hedgewarden_{key}", "value": value, "url": address}
                context.add_cookies([cookie])  # type: ignore[list-item]
            page = context.new_page()
            page.goto(f"{address}/")
            page.wait_for_function("document.documentElement.classList.contains('has-script')")
            page.screenshot(path=FOLDER / name)
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
