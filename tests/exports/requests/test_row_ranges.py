"""Row ranges as users write them."""

import pytest

from exports.errors import InvalidRequest
from exports.requests.row_ranges import MAX_RANGES, InvalidRows, count_within, parse_rows


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("7", [(7, 7)]),
        ("121-180,200", [(121, 180), (200, 200)]),
        (" 3 - 4 , 1", [(1, 1), (3, 4)]),
        ("1-3,2,3-5", [(1, 5)]),
        ("1,2,4", [(1, 2), (4, 4)]),
        ("2-2", [(2, 2)]),
    ],
)
def test_rows_ascend_and_each_is_there_once(text: str, ranges: list[tuple[int, int]]) -> None:
    assert list(parse_rows(text)) == ranges


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "'' is no range of rows"),
        ("1,,2", "'' is no range of rows"),
        ("1-", "'1-' is no range of rows"),
        ("-3", "'-3' is no range of rows"),
        ("1-2-3", "'1-2-3' is no range of rows"),
        ("1\u20133", "is no range of rows"),
        ("\u0663", "is no range of rows"),
        ("1e3", "'1e3' is no range of rows"),
        ("0", "there is no row 0"),
        ("0-5", "there is no row 0"),
        ("180-121", "'180-121' runs backwards: expected 121-180"),
        (",".join(["1"] * (MAX_RANGES + 1)), "1,001 ranges: expected at most 1,000"),
    ],
)
def test_what_names_no_rows_is_refused(text: str, told: str) -> None:
    with pytest.raises(InvalidRows, match=told):
        parse_rows(text)


def test_as_many_ranges_as_are_allowed() -> None:
    text = ",".join(str(2 * number + 1) for number in range(MAX_RANGES))
    assert count_within(parse_rows(text), 2 * MAX_RANGES) == MAX_RANGES


def test_rows_beyond_the_job_are_named() -> None:
    assert count_within(parse_rows("1-3,10"), 10) == 4
    with pytest.raises(InvalidRequest) as refused:
        count_within(parse_rows("8-12,9,20"), 10)
    [detail] = refused.value.details
    assert detail["loc"] == ["body", "rows"]
    assert detail["msg"] == "The job has rows 1-10, not 11-12, 20"
