"""What people do on the pages, in Chromium: sign in, choose, look, print, scan, upload; by mouse, by key, and on a phone."""

import io
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.conftest import LOTS, Shop, write_catalogue
from tests.decoding import read_archive, read_sheet
from tests.service import Service, create_organisation, labels
from tests.symbols.pictures import tool

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(
        os.environ.get("LABELS_TEST_FULL") != "1", reason="a browser is for the full tests (Debian: chromium)"
    ),
]

AXE = Path(__file__).parents[1] / "node" / "node_modules" / "axe-core" / "axe.min.js"

#: WCAG 2.2 AA and what axe counts as good practice.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

_PATIENCE_MS = 15_000
_PHONE = {"width": 360, "height": 740}

#: Lots that are exported: active, and so are their products.
EXPORTED = sum(1 for lot in LOTS if lot[5] is not None)

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = tool("chromium", "chromium")
    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root, as whom containers run the tests.
        sandbox = [] if os.geteuid() else ["--no-sandbox"]
        expect.set_options(timeout=_PATIENCE_MS)
        opened = playwright.chromium.launch(executable_path=chromium, args=sandbox)
        yield opened
        opened.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser logged as errors, and which scripts failed."""
    return []


@pytest.fixture
def opened(browser: Browser, service: Service, shop: Shop, complaints: list[str]) -> Iterator[Open]:
    """Return a function that opens a browser that nobody has used before, signed in unless told otherwise."""
    contexts: list[BrowserContext] = []

    def do(*, signed_in: bool = True, **options: object) -> Page:
        context = browser.new_context(base_url=service.url, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if signed_in:
            sign_in(page, shop)
        return page

    yield do
    for context in contexts:
        context.close()


def sign_in(page: Page, shop: Shop) -> None:
    page.goto("/")
    page.get_by_label("API key").fill(shop.key)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/jobs")


def selected(page: Page, count: int) -> None:
    """Wait until the preview says how many are selected."""
    expect(page.locator("#preview .total")).to_contain_text(f"{count} entit")


def downloaded(page: Page) -> bytes:
    """Return what the job's page hands out, once it is complete."""
    expect(page.locator("#state .state")).to_have_text("completed")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    return Path(download.value.path()).read_bytes()


def test_choose_look_click_a_cell_print_and_download(opened: Open, complaints: list[str]) -> None:
    page = opened()
    page.get_by_role("link", name="New export").first.click()
    selected(page, EXPORTED)
    page.get_by_label("Only these GTINs", exact=True).fill("09506000134352")
    page.get_by_label("Labels of each").fill("2")
    page.get_by_label("Labels of each").blur()
    selected(page, 4)
    page.locator('[data-position="5"]').click()
    expect(page.get_by_label("First free label")).to_have_value("5")
    expect(page.locator(".cell.taken")).to_have_count(4)
    page.get_by_role("button", name="Make the labels").click()
    assert len(read_sheet(downloaded(page))) == 8
    # Four taken, eight printed.
    page.get_by_role("link", name="Go on with this sheet at label 13").click()
    expect(page.get_by_label("First free label")).to_have_value("13")
    expect(page.get_by_label("Only these GTINs", exact=True)).to_have_value("09506000134352")
    assert complaints == []


def test_a_type_offers_its_formats_and_what_is_wrong_is_told(opened: Open) -> None:
    page = opened()
    page.goto("/exports/new")
    page.get_by_label("Only these GTINs", exact=True).fill("09506000134353")
    page.get_by_label("Only these GTINs", exact=True).blur()
    expect(page.locator("#preview .alert")).to_contain_text("check digit")
    page.get_by_role("button", name="Make the labels").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was made yet")
    expect(page.get_by_label("Only these GTINs", exact=True)).to_have_attribute("aria-invalid", "true")
    page.go_back()
    expect(page.get_by_role("heading", name="New export")).to_be_visible()


def test_two_tabs_and_a_session_that_ends_in_one(opened: Open) -> None:
    first = opened()
    first.goto("/exports/new")
    selected(first, EXPORTED)
    second = first.context.new_page()
    second.goto("/jobs")
    second.get_by_role("button", name="Sign out").click()
    expect(second.get_by_role("heading", name="Sign in")).to_be_visible()
    # The next preview leads the first tab there too.
    first.get_by_role("radio", name="Products").check()
    expect(first.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_catalogue_file_is_added_and_its_refused_rows_come_back(opened: Open) -> None:
    page = opened()
    page.goto("/catalogue/import")
    table = b"gtin,name\n09506000134369,Rye biscuits\n09506000134353,Wrong digit\n"
    page.get_by_label("File").set_input_files({"name": "more.csv", "mimeType": "text/csv", "buffer": table})
    page.get_by_role("button", name="Add the file").click()
    expect(page.locator("#state .state")).to_have_text("completed")
    expect(page.get_by_text("1 row was refused")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download them").click()
    assert "Wrong digit" in Path(download.value.path()).read_text("utf-8-sig")
    page.goto("/catalogue/products?search=rye")
    expect(page.get_by_role("cell", name="Rye biscuits")).to_be_visible()
    expect(page.locator("td.when")).to_have_text("never")


@pytest.mark.parametrize(
    "scanned",
    [
        "https://id.gs1.org/01/09506000134352/10/MONTH?17=270400",
        "]d201095060001343521727040010MONTH",
        "01095060001343521727040010MONTH",
        "(01)09506000134352(10)MONTH",
    ],
)
def test_a_scanner_types_into_the_search_box(opened: Open, shop: Shop, scanned: str) -> None:
    page = opened()
    page.goto("/catalogue/lots")
    page.get_by_label("Scan a label").focus()
    page.keyboard.type(scanned)
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_role("cell", name="MONTH", exact=True)).to_be_visible()
    page.get_by_role("link", name="Printings").click()
    expect(page.get_by_text("GTIN 09506000134352, lot MONTH")).to_be_visible()


def test_without_javascript(opened: Open) -> None:
    page = opened(java_script_enabled=False)
    page.get_by_role("link", name="New export").first.click()
    page.get_by_label("Only these GTINs", exact=True).fill("10614141000415")
    # The formats shown are those of sheets: the service takes the type's own.
    page.get_by_label("Kind").select_option("datamatrix")
    page.get_by_role("button", name="Make the labels").click()
    for _ in range(60):
        if page.locator("#state .state").text_content() == "completed":
            break
        page.reload()
    assert len(list(read_archive(downloaded(page)))) == 1


def test_on_a_phone(opened: Open) -> None:
    page = opened(viewport=_PHONE, is_mobile=True, has_touch=True)
    for path in (
        "/jobs", "/exports/new", "/catalogue/lots", "/history", "/schedules", "/settings", "/designs", "/designs/dual",
        "/new-design", "/nowhere",
    ):  # fmt: skip
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= _PHONE["width"], path
    page.goto("/exports/new?gtins=10614141000415&export_type=qr_codes&file_format=svg")
    selected(page, 1)
    page.get_by_role("button", name="Make the labels").tap()
    expect(page.locator("#state .state")).to_have_text("completed")


def test_by_keyboard_alone(opened: Open, shop: Shop) -> None:
    page = opened(signed_in=False)
    page.goto("/sign-in")
    expect(page.get_by_label("API key")).to_be_focused()
    page.keyboard.type(shop.key)
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    tab_to(page, "New export")
    page.keyboard.press("Enter")
    page.wait_for_url("**/exports/new")
    tab_to(page, "Make the labels")
    page.keyboard.press("Enter")
    expect(page.locator("#state .state")).to_have_text("completed")
    tab_to(page, "Download")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF")


def tab_to(page: Page, name: str) -> None:
    """Press the tabulator until what has the name has the focus; it must be seen to have it."""
    for _ in range(60):
        page.keyboard.press("Tab")
        text, outline = page.evaluate(
            "(({ innerText, ariaLabel, value }, style) => [innerText || ariaLabel || value || '', style.outlineStyle])"
            "(document.activeElement, getComputedStyle(document.activeElement))"
        )
        assert outline != "none", text
        if text.startswith(name):
            return
    pytest.fail(f"the tabulator does not lead to {name!r}")


def test_a_schedule_is_added_from_the_form_paused_and_removed(opened: Open) -> None:
    page = opened()
    page.goto("/exports/new?export_type=qr_codes&file_format=svg")
    page.get_by_role("button", name="On a schedule").click()
    expect(page.get_by_label("What to export")).to_have_value(re.compile('"qr_codes"'))
    page.get_by_label("Name").fill("Mornings")
    page.get_by_role("button", name="Add the schedule").click()
    page.get_by_role("button", name="Pause Mornings").click()
    expect(page.get_by_role("cell", name="paused")).to_be_visible()
    page.get_by_text("Remove", exact=True).click()
    page.get_by_role("button", name="Remove Mornings for good").click()
    expect(page.get_by_text("Nothing starts by the clock yet")).to_be_visible()


def test_rows_are_printed_again(opened: Open, service: Service, shop: Shop) -> None:
    page = opened()
    page.goto("/exports/new?export_type=datamatrix&file_format=svg")
    page.get_by_role("button", name="Make the labels").click()
    page.get_by_role("link", name="Look through the rows").click()
    page.get_by_label("Scan a label").fill("BOTH")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Print again").click()
    page.get_by_label("Why").fill("jam")
    page.get_by_role("button", name="Print again").click()
    expect(page.get_by_text("to print an earlier job again: jam")).to_be_visible()
    with zipfile.ZipFile(io.BytesIO(downloaded(page))) as archive:
        assert len([name for name in archive.namelist() if name.endswith(".svg")]) == 1


def test_a_design_is_pasted_corrected_looked_at_and_stored(opened: Open, complaints: list[str]) -> None:
    page = opened()
    page.goto("/designs")
    page.get_by_role("link", name="New design").click()
    page.get_by_label("Name").fill("shelf")
    page.get_by_label("Document", exact=True).fill('{"version": 1, "lines": [{"text": "LOT {lott}"}]}')
    page.get_by_label("Document", exact=True).blur()
    expect(page.locator("#preview .alert")).to_contain_text("lines, entry 1, text")
    page.get_by_label("Document", exact=True).fill('{"version": 1, "lines": [{"text": "LOT {lot}"}]}')
    page.get_by_label("Document", exact=True).blur()
    expect(page.locator("#preview img")).to_be_visible()
    page.get_by_role("button", name="Store the design").click()
    page.wait_for_url("**/designs/shelf")
    page.get_by_label("On", exact=True).select_option("avery_5160")
    page.get_by_role("button", name="Show it so").click()
    expect(page.get_by_text("66.7 × 25.4 mm")).to_be_visible()
    page.goto("/designs")
    for picture in page.locator(".card img").all():
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("image => image.naturalWidth") > 0
    assert complaints == []


def test_a_job_all_of_whose_entities_fail_says_why(
    opened: Open, service: Service, tmp_path: Path, complaints: list[str]
) -> None:
    # No QR Code of the highest error correction holds a link of this length.
    key = create_organisation(service.home, "failing", "--resolver", "https://id.example.com/" + "a" * 2000)
    labels(service.home, "import", "--org", "failing", *write_catalogue(tmp_path))
    body = {
        "scope": "lots",
        "export_type": "qr_codes",
        "file_format": "svg",
        "asset_config": {"error_correction": "H"},
    }
    with service.client(key) as client:
        job = client.submit(body)["job_id"]
    page = opened(signed_in=False)
    sign_in(page, Shop("failing", key))
    page.goto(f"/jobs/{job}")
    expect(page.locator("#state .state")).to_have_text("failed")
    expect(page.locator("#state").get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("heading", name="What has no symbol, and why")).to_be_visible()
    expect(page.get_by_role("region", name="What has no symbol")).to_contain_text("09506000134352")
    expect(page.locator(".timeline .fault")).to_contain_text("failed while")
    with page.expect_download() as download:
        page.get_by_role("link", name="errors as CSV").click()
    assert "09506000134352" in Path(download.value.path()).read_text("utf-8-sig")
    assert complaints == []


def test_back_and_forth_and_a_session_that_ends_meanwhile(opened: Open, shop: Shop) -> None:
    page = opened()
    page.goto("/exports/new?gtins=10614141000415&export_type=qr_codes&file_format=svg")
    selected(page, 1)
    page.get_by_role("button", name="Make the labels").click()
    expect(page.locator("#state .state")).to_have_text("completed")
    job = page.url
    page.go_back()
    selected(page, 1)
    page.go_forward()
    expect(page.locator("#state .state")).to_have_text("completed")
    assert page.url == job
    page.context.clear_cookies()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("API key").fill(shop.key)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(job)


def test_an_unknown_address_leads_back(opened: Open) -> None:
    page = opened()
    page.goto("/nowhere")
    expect(page.get_by_role("heading", name="Nothing is here")).to_be_visible()
    page.get_by_role("link", name="To the start").click()
    page.wait_for_url("**/jobs")


def test_a_saved_request_for_a_printer_goes_on_with_the_sheet_in_its_tray(
    opened: Open, complaints: list[str]
) -> None:
    """With the keyboard alone."""
    page = opened()
    page.goto("/new-printer")
    page.get_by_label("Name").fill("desk")
    page.get_by_label("Move to the right by (mm)").fill("0.5")
    page.get_by_label("Sheet", exact=True).select_option("avery_5160")
    page.get_by_label("First free label, counted from 1").fill("7")
    page.keyboard.press("Enter")
    expect(page.get_by_role("cell", name="avery_5160, label 7 is the first free one")).to_be_visible()
    page.get_by_role("link", name="Saved requests").press("Enter")
    page.get_by_role("link", name="New request").press("Enter")
    config = {"printer": "desk", "symbology": "datamatrix"}
    asked = {"scope": "lots", "export_type": "sheet_pdf", "file_format": "pdf", "asset_config": config}
    page.get_by_label("Name").fill("morning")
    page.get_by_label("What to export").fill(json.dumps(asked))
    page.get_by_role("button", name="Save the request").press("Enter")
    page.get_by_role("button", name="Make the labels of morning").press("Enter")
    expect(page.locator("#state .state")).to_have_text("completed")
    page.get_by_role("link", name="Printers").press("Enter")
    free = f"avery_5160, label {7 + EXPORTED} is the first free one"
    expect(page.get_by_role("cell", name=free)).to_be_visible()
    page.get_by_text("Another sheet").press("Enter")
    page.get_by_role("button", name="This sheet is in desk").press("Enter")
    expect(page.get_by_role("cell", name="avery_5160, label 1 is the first free one")).to_be_visible()
    assert complaints == []


def test_axe_finds_nothing_in_light_and_in_dark(opened: Open) -> None:
    page = opened(bypass_csp=True, color_scheme="light")
    page.goto("/exports/new?gtins=10614141000415")
    page.get_by_role("button", name="Make the labels").click()
    expect(page.locator("#state .state")).to_have_text("completed")
    job = page.url
    found: dict[str, object] = {}
    for path in (
        "/sign-in", "/jobs", job, f"{job}/rows", f"{job}/pictures", "/exports/new", "/exports/new?gtins=1", "/catalogue/products",
        "/catalogue/lots?search=nothing", "/catalogue/serials", "/catalogue/import", "/history", "/history?code=x",
        "/schedules", "/schedules/new", "/settings", "/jobs/nothing", "/nowhere", "/designs", "/designs/dual", "/new-design", "/printers", "/new-printer", "/requests", "/new-request",
    ):  # fmt: skip
        page.goto(path)
        if path.startswith("/exports/new"):
            expect(page.locator("#preview .total, #preview .alert")).to_be_visible()
        page.evaluate(AXE.read_text("utf-8"))
        # In the dark only the colours differ.
        for scheme, rules in (("light", _RULES), ("dark", ["cat.color"])):
            page.emulate_media(color_scheme=scheme)
            result = page.evaluate(
                "(rules) => axe.run({ runOnly: rules, resultTypes: ['violations'] })", rules
            )
            for each in result["violations"]:
                found[f"{path} {scheme} {each['id']}"] = each["nodes"][0]["html"][:200]
        page.emulate_media(color_scheme="light")
    assert found == {}
