"""Dates as people write them, and what a whole column tells about them."""

import polars as pl
import pytest

from catalogue.imports.dates import DateOrder, Reading, iso, meanings, survey

DMY, MDY, YMD = DateOrder


# Case table: the text, and what it is in any order, or in the order given.
@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2027-03-31", None, "2027-03-31"),
        ("2027-03", None, "2027-03"),
        ("2027-03-31 00:00:00", None, "2027-03-31"),
        ("2027-03-31T00:00:00.000Z", None, "2027-03-31"),
        ("2027-03-31 12:00:00", None, "2027-03-31 12:00:00"),
        ("2027/3/31", None, "2027-03-31"),
        ("20270331", None, "2027-03-31"),
        ("31.03.2027", None, "2027-03-31"),
        ("31. 3. 2027", None, "2027-03-31"),
        ("31.3.27", None, "2027-03-31"),
        ("3.31.2027", None, "3.31.2027"),
        ("31-Mar-27", None, "2027-03-31"),
        ("31 March 2027", None, "2027-03-31"),
        ("Mar-27", None, "2027-03"),
        ("03/2027", None, "2027-03"),
        ("3.2027", None, "2027-03"),
        ("2027/03", None, "2027-03"),
        ("13/2027", None, "13/2027"),
        ("3/31/2027", None, "3/31/2027"),
        ("3/31/2027", MDY, "2027-03-31"),
        ("3-31-2027", MDY, "2027-03-31"),
        ("31/3/2027", MDY, "31/3/2027"),
        ("31/3/2027", DMY, "2027-03-31"),
        ("27/03/31", YMD, "2027-03-31"),
        ("27/03/31", DMY, "2031-03-27"),
        ("29/02/2027", DMY, "29/02/2027"),
        ("270331", None, "270331"),
        ("46112", None, "46112"),
        ("soon", None, "soon"),
    ],
)
def test_a_date_is_read(text: str, order: DateOrder | None, expected: str) -> None:
    assert pl.select(iso(pl.lit(text), order)).item() == expected


# Case table: a column, its order, and whether its dates are all firsts of a month.
@pytest.mark.parametrize(
    ("column", "order", "all_firsts"),
    [
        (["3/4/2027", "3/31/2027"], MDY, False),
        (["3/4/2027", "31/3/2027"], DMY, False),
        (["3/4/2027", "5/6/2027"], None, False),
        (["3/31/2027", "31/3/2027"], None, False),
        (["3/31/2027", "99/99/2027", "soon"], MDY, False),
        (["03/31/27"], MDY, False),
        (["27/03/31"], None, False),
        (["2027-03-01", "2027-04-01"], None, True),
        (["01.03.2027", "01.04.2027", None], None, True),
        (["2027-03-01", "2027-03-01"], None, False),
        (["2027-03-01", "2027-04-01", "2027-04-02"], None, False),
        (["2027-03-01", "2027-04-01", "2027-05"], None, True),
        ([None], None, False),
    ],
)
def test_a_column_tells_how_it_is_read(
    column: list[str | None], order: DateOrder | None, all_firsts: bool
) -> None:
    frames = [pl.DataFrame({"date": [text]}, schema={"date": pl.String}) for text in column]
    together = pl.concat(frames)
    for batches in (frames, [together], [together.reverse()]):
        readings = survey(batches, ["date"], None)
        assert readings == {"date": Reading(order, all_firsts)}


def test_a_stated_order_is_taken() -> None:
    column = pl.DataFrame({"date": ["3/1/2027", "4/1/2027"]})
    assert survey([column], ["date"], MDY) == {"date": Reading(MDY, all_firsts=True)}
    assert survey([column], ["date"], DMY) == {"date": Reading(DMY, all_firsts=False)}


def test_what_a_date_may_mean_is_said() -> None:
    said = pl.DataFrame({"text": ["3/4/2027", "3/3/2027", "27/03/31", "2027-03-04"]}).select(
        meanings(pl.col("text")).alias("text")
    )
    assert said["text"].to_list() == [
        "2027-04-03 or 2027-03-04", "2027-03-03", "2031-03-27 or 2027-03-31", "",
    ]  # fmt: skip
