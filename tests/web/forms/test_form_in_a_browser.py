"""The form of a new export in Chromium: search, files, rolls, designs, quantities, printers; by key and without JavaScript."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Shop
from tests.service import Service, labels
from tests.web.test_in_a_browser import (  # noqa: F401 - fixtures
    AXE,
    EXPORTED,
    Open,
    browser,
    complaints,
    downloaded,
    opened,
    pytestmark,
    selected,
    tab_to,
)

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def new_export(page: Page) -> None:
    page.goto("/exports/new")
    selected(page, EXPORTED)


def test_products_and_lots_are_found_and_ticked(opened: Open, complaints: list[str]) -> None:  # noqa: F811
    page = opened()
    new_export(page)
    page.get_by_label("Find products").press_sequentially("Product 0")
    page.get_by_label("Product 0 (09506000134352)").check()
    selected(page, 4)
    page.get_by_text("Only some lots, or a lot run").click()
    page.get_by_label("Find lots", exact=True).press_sequentially("MONTH")
    # The list comes while it is typed, and what is typed stays.
    expect(page.get_by_label("Find lots", exact=True)).to_be_focused()
    page.get_by_label("Lot MONTH of 09506000134352").check()
    selected(page, 1)
    expect(page.get_by_label("Product 0 (09506000134352)")).to_be_checked()
    page.get_by_label("Product 0 (09506000134352)").uncheck()
    selected(page, 1)
    assert complaints == []


def test_a_file_fills_its_list(opened: Open) -> None:  # noqa: F811
    page = opened()
    new_export(page)
    table = {"name": "a.csv", "mimeType": "text/csv", "buffer": b"EAN;Name\n10614141000415;Case\n"}
    page.get_by_label("Only these GTINs, from a file").set_input_files(table)
    expect(page.get_by_label("Only these GTINs", exact=True)).to_have_value("10614141000415")
    expect(page.get_by_label("Only these GTINs, from a file")).to_have_value("")
    selected(page, 1)
    table["buffer"] = b"EAN\n"
    page.get_by_label("Only these GTINs, from a file").set_input_files(table)
    expect(page.locator("#gtins-fault")).to_contain_text("a.csv has no entries")


def test_a_kind_leaves_what_goes_with_it_and_a_roll_is_made(opened: Open) -> None:  # noqa: F811
    page = opened()
    new_export(page)
    page.get_by_label("Labels of each").fill("2")
    page.get_by_label("Kind").select_option("roll_labels")
    expect(page.get_by_label("Template")).to_have_value("thermal_4x6in")
    expect(page.get_by_label("First free label")).to_have_count(0)
    expect(page.get_by_label("Labels of each")).to_have_value("2")
    expect(page.locator("figcaption")).to_contain_text("101.6 × 152.4 mm")
    page.get_by_label("Kind").select_option("qr_codes")
    expect(page.get_by_label("Template")).to_have_count(0)
    expect(page.get_by_label("Format")).to_have_value("svg")
    page.get_by_label("Kind").select_option("roll_labels")
    expect(page.get_by_label("Format")).to_have_value("zpl")
    page.get_by_role("button", name="Make the labels").click()
    assert downloaded(page).startswith(b"^XA")


def test_a_design_and_quantities(opened: Open, service: Service, shop: Shop, tmp_path) -> None:  # noqa: F811
    document = tmp_path / "both.json"
    document.write_text(json.dumps({"version": 1, "linear": "gtin"}))
    labels(service.home, "designs", "add", "both", str(document), "--org", shop.slug)
    page = opened()
    new_export(page)
    page.get_by_label("Template").select_option("avery_5163")
    page.get_by_label("Design").select_option("both")
    expect(page.get_by_label("Linear barcodes carry")).to_be_visible()
    page.get_by_label("How many labels").select_option("list")
    page.get_by_label("Find products").fill("Product 2")
    page.get_by_label("Product 2").check()
    selected(page, 1)
    page.get_by_label("Ids and numbers of labels", exact=True).fill("nothing, many")
    page.get_by_label("Ids and numbers of labels", exact=True).blur()
    expect(page.locator("#quantities-fault")).to_contain_text("entry 1: copies")
    expect(page.get_by_label("Ids and numbers of labels", exact=True)).to_have_value("nothing, many")


def test_the_next_free_label_is_offered(opened: Open) -> None:  # noqa: F811
    page = opened()
    page.goto("/exports/new?sheet_template=avery_5163")
    page.get_by_role("button", name="Make the labels").click()
    expect(page.locator("#state .state")).to_have_text("completed")
    page.goto("/exports/new?sheet_template=avery_5163")
    offered = page.get_by_role("button", name="Begin at label")
    number = offered.get_attribute("value") or ""
    offered.click()
    expect(page.get_by_label("First free label")).to_have_value(number)
    expect(page.locator(".cell.taken")).to_have_count(int(number) - 1)


def test_by_keyboard_alone(opened: Open) -> None:  # noqa: F811
    page = opened()
    new_export(page)
    page.get_by_label("Find products").focus()
    page.keyboard.type("Product 2")
    # Enter looks; it makes nothing.
    page.keyboard.press("Enter")
    expect(page.get_by_label("Product 2")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    selected(page, 1)
    assert page.url.endswith("/exports/new")
    page.get_by_label("Kind").focus()
    page.keyboard.type("GS1 D")
    expect(page.get_by_label("Template")).to_have_count(0)
    expect(page.get_by_label("Kind")).to_be_focused()
    tab_to(page, "Make the labels")
    page.keyboard.press("Enter")
    expect(page.locator("#state .state")).to_have_text("completed")


def test_without_javascript(opened: Open) -> None:  # noqa: F811
    page = opened(java_script_enabled=False)
    page.goto("/exports/new")
    page.get_by_label("Find products").fill("Product 2")
    page.get_by_role("button", name="Search products").click()
    page.get_by_label("Product 2").check()
    page.get_by_label("Labels of each").fill("2")
    page.get_by_label("Kind").select_option("datamatrix")
    page.get_by_role("button", name="Make the labels").click()
    # The copies were for sheets: nobody saw the field go.
    expect(page.get_by_role("alert")).to_contain_text("copies does not go with the rest")
    page.get_by_role("button", name="Look first").click()
    selected(page, 1)
    page.get_by_role("button", name="Make the labels").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("New export")


def test_it_is_saved_under_a_name_and_opened_again(opened: Open) -> None:  # noqa: F811
    page = opened()
    new_export(page)
    page.get_by_label("Labels of each").fill("3")
    page.get_by_text("Save under a name").click()
    page.get_by_label("Name", exact=True).fill("three-each")
    page.get_by_role("button", name="Save the request").click()
    page.get_by_role("link", name="Look first at three-each").click()
    selected(page, EXPORTED)
    expect(page.get_by_label("Labels of each")).to_have_value("3")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_with_all_unfolded(opened: Open, scheme: str) -> None:  # noqa: F811
    page = opened(bypass_csp=True, color_scheme=scheme)
    page.goto(
        "/exports/new?scope=serials&find_gtins=Product&find_serial_ids=ABC123&carries=ticked&module_size_mm=0.1"
    )
    expect(page.locator("#module_size_mm-fault")).to_be_visible()
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("(rules) => axe.run({ runOnly: rules, resultTypes: ['violations'] })", _RULES)
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found["violations"]] == []
