"""Writes the pictures of the pages in docs/images/: a service with the demo's catalogue, in Chromium."""
# ruff: noqa: INP001 - a script, not a package

import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from demo.run_demo import ACME, import_catalogue  # noqa: E402
from tests.service import running_service  # noqa: E402

IMAGES = ROOT / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="labels-pages-") as folder, sync_playwright() as playwright:
        home = Path(folder) / "home"
        key = import_catalogue(home, ACME)
        with running_service(home) as service:
            sandbox = [] if os.geteuid() else ["--no-sandbox"]
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=sandbox)
            context = browser.new_context(
                base_url=service.url, viewport={"width": 1280, "height": 860}, color_scheme="light"
            )
            take(context.new_page(), key)
            browser.close()


def take(page: Page, key: str) -> None:
    """Sign in, look at a sheet that is half used already, print it, and look at the job."""
    page.goto("/")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/jobs")
    page.goto("/exports/new?sheet_template=avery_5160&start_position=8")
    page.locator("#preview .total").wait_for()
    page.screenshot(path=IMAGES / "new_export.png")
    page.get_by_role("button", name="Make the labels").click()
    page.locator("#state .completed").wait_for()
    page.screenshot(path=IMAGES / "job.png")


if __name__ == "__main__":
    main()
