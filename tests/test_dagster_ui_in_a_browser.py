"""What an operator does in the Dagster UI, in Chromium: look, log in, export, print again with a reason."""

import os
import re
from collections.abc import Iterator

import pytest
import yaml
from playwright.sync_api import ConsoleMessage, Page, expect, sync_playwright

from tests.conftest import Shop
from tests.service import EXPORTS, Service, labels
from tests.symbols.pictures import tool

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(
        os.environ.get("LABELS_TEST_FULL") != "1", reason="a browser is for the full tests (Debian: chromium)"
    ),
]

REQUEST = {
    "scope": "lots",
    "export_type": "datamatrix",
    "file_format": "svg",
    "filters": {"never_printed": True},
}
PROOF = {
    "scope": "products",
    "export_type": "qr_codes",
    "file_format": "png",
    "asset_config": {"record_printed": False},
}
IN_WORDS = "GS1 DataMatrix as SVG in a ZIP, of all lots, never printed"
LOTS = 6

#: Chromium starts, and the UI loads some megabytes of JavaScript.
_PATIENCE_MS = 30_000

_ASSET = "/assets/label_export"
_TERMINATE = """async () => {
  const query = "mutation { terminateRuns(runIds: []) { __typename } }";
  const headers = { "Content-Type": "application/json" };
  return (await fetch("/graphql", { method: "POST", headers, body: JSON.stringify({ query }) })).status;
}"""


@pytest.fixture
def complaints() -> list[str]:
    """What the browser logged as errors, and which scripts failed."""
    return []


@pytest.fixture
def page(service: Service, complaints: list[str]) -> Iterator[Page]:
    """A page of the Dagster UI in a browser that nobody has used before."""
    chromium = tool("chromium", "chromium")

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text)

    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root, as whom containers run the tests.
        sandbox = [] if os.geteuid() else ["--no-sandbox"]
        browser = playwright.chromium.launch(executable_path=chromium, args=sandbox)
        opened = browser.new_context(
            base_url=f"http://127.0.0.1:{service.dagster_port}", viewport={"width": 1400, "height": 1000}
        ).new_page()
        opened.set_default_timeout(_PATIENCE_MS)
        expect.set_options(timeout=_PATIENCE_MS)
        opened.on("console", listen)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        yield opened
        browser.close()


def materialize(page: Page, shop: Shop) -> None:
    page.get_by_role("button", name="Materialize").first.click()
    page.get_by_text("Select a partition").click()
    page.get_by_placeholder("Filter partitions").fill(shop.slug)
    page.get_by_text(shop.slug, exact=True).locator("visible=true").last.click()
    page.keyboard.press("Escape")
    page.get_by_text("Config", exact=True).click()
    page.get_by_role("button", name="Add config").click()
    page.locator(".CodeMirror").first.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(yaml.safe_dump({"ops": {"label_export": {"config": {"request": REQUEST}}}}))
    page.get_by_role("button", name="Save config").click()
    page.get_by_role("button", name="Launch 1 run").click()
    expect(page.get_by_text("Launched run")).to_be_visible(timeout=_PATIENCE_MS)
    page.get_by_role("link", name="View", exact=True).click()


def execute_again(page: Page, reason: str) -> None:
    page.get_by_role("button", name="Re-execute all").click(modifiers=["Shift"])
    page.get_by_role("button", name="Add custom tag").click()
    page.get_by_placeholder("Tag Key").fill("labels/reason")
    page.get_by_placeholder("Tag Value").fill(reason)
    page.get_by_role("button", name="Re-execute 1 run").click()
    expect(page.get_by_text("Successfully requested re-execution")).to_be_visible()
    page.get_by_role("button", name="Done").click()


def test_an_operators_day(service: Service, shop: Shop, page: Page, complaints: list[str]) -> None:
    with service.client(shop.key) as client:
        # From its first export on, the UI offers the organisation as a partition; without one, within half a minute.
        proof = client.finish(client.submit(PROOF))
    page.goto(_ASSET)
    expect(page.get_by_role("button", name="Materialize").first).to_be_disabled()
    expect(page.get_by_text("Join the Dagster")).to_have_count(0)
    assert complaints == []
    assert page.evaluate(_TERMINATE) == 401
    [told] = complaints
    assert "401" in told
    complaints.clear()

    key = labels(service.home, "operators", "add", shop.slug).stdout.splitlines()[-1]
    page.goto(f"/labels/log-in?next={_ASSET}")
    page.get_by_label("Operator’s key").fill(key)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text(f"{shop.slug} \N{MIDDLE DOT} Log out")).to_be_visible()
    materialize(page, shop)
    # The page renews itself while the run is queued and works.
    expect(page.get_by_text("Success", exact=True)).to_be_visible(timeout=_PATIENCE_MS)
    expect(page.get_by_text(IN_WORDS)).to_be_visible()
    execute_again(page, "torn roll")
    page.goto(f"/runs?q[0]=tag:labels/organisation={shop.slug}&q[1]=tag:labels/reason=torn roll")
    expect(page.get_by_text("Success", exact=True)).to_have_count(1)

    page.goto(_ASSET)
    expect(page.get_by_text(re.compile(f"^What job .* printed, all rows: {IN_WORDS}$"))).to_be_visible()
    expect(page.get_by_alt_text("what it looks like")).to_be_visible()
    assert complaints == []
    with service.client(shop.key) as client:
        listed = client.send("GET", EXPORTS).json()["data"]
    made = [(job["status"], job["processed_items"]) for job in listed if job["job_id"] != proof["job_id"]]
    assert made == [("completed", LOTS)] * 2
