"""Lists from files: whatever a spreadsheet or a scanner's text is, its entries are those that were meant."""

import io

import polars as pl
import pytest

from catalogue.errors import ImportFileError
from exports.requests.fields import MAX_LIST_ENTRIES
from web.forms import lists

GTIN, OTHER = "09506000134352", "00012345678905"

# Field, file name, content, the list, why.
FILES = [
    ("gtins", "a.txt", f"{GTIN}\n{OTHER}\n", f"{GTIN}\n{OTHER}", "one a line, no header"),
    ("gtins", "a.txt", f"{GTIN}\r\n\r\n{OTHER}", f"{GTIN}\n{OTHER}", "Windows, an empty line"),
    ("gtins", "a.csv", f"gtin\n{GTIN}\n", GTIN, "a header"),
    ("gtins", "a.csv", f"Article;EAN\nOats;{GTIN}\n;{OTHER}\n", f"{GTIN}\n{OTHER}", "another name, second column"),
    ("gtins", "a.csv", f"\ufeffGTIN\n{GTIN}\n", GTIN, "a byte order mark"),
    ("lot_ids", "a.csv", f"gtin,lot_number,id\n{GTIN},L1,abc\n", "abc", "a catalogue's file"),
    ("lot_ids", "a.csv", "id,lot_id\nx,abc\n", "abc", "the name that says more"),
    ("serial_ids", "a.txt", "s1\ns2", "s1\ns2", "no end of line"),
    ("quantities", "a.csv", "a1,3\nb2,0\n", "a1,3\nb2,0", "no header"),
    ("quantities", "a.tsv", "copies\tid\n3\ta1\n", "a1,3", "columns by name"),
    ("quantities", "a.csv", f"gtin,lot_number,quantity,id\n{GTIN},L1,12,abc\n", "abc,12", "a catalogue's file"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "name", "text", "expected", "why"), FILES, ids=[each[-1] for each in FILES]
)
def test_a_file_holds_a_list(field, name, text, expected, why):
    assert lists.from_file(field, name, text.encode()) == expected


def test_a_workbook_holds_a_list():
    book = io.BytesIO()
    pl.DataFrame({"Name": ["Oats", "Beans"], "GTIN": [GTIN, OTHER]}).write_excel(book)
    assert lists.from_file("gtins", "a.xlsx", book.getvalue()) == f"{GTIN}\n{OTHER}"


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("gtins", "", "no header that can be read"),
        ("gtins", "gtin\n", "no entries"),
        ("gtins", f"{GTIN}\n" * (MAX_LIST_ENTRIES + 1), "more than 5,000 entries"),
        ("quantities", "id\na1\n", "no column copies or quantity"),
    ],
    ids=["empty", "a header alone", "too many", "no numbers"],
)
def test_a_file_without_a_list_is_refused(field, text, told):
    with pytest.raises(ImportFileError, match=told):
        lists.from_file(field, "a.csv", text.encode())


def test_as_many_as_a_list_may_have_are_taken():
    text = "gtin\n" + f"{GTIN}\n" * MAX_LIST_ENTRIES
    assert len(lists.values(lists.from_file("gtins", "a.csv", text.encode()))) == MAX_LIST_ENTRIES


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a1", [{"id": "a1"}]),
        ("a1 x", [{"id": "a1", "copies": "x"}]),
        ("a1,2,3", [{"id": "a1", "copies": "2,3"}]),
        (" \n,\n", []),
    ],
)
def test_what_is_no_quantity_is_kept_to_be_refused(text, expected):
    assert lists.quantities(text) == expected
