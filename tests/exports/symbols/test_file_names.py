"""Names of a table of files are those that are made one by one."""

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from exports.symbols.file_names import member_names
from gs1.cset82 import CSET_82
from renderers.file_names import MAX_LENGTH, member_name

_TEXTS = st.none() | st.text(alphabet=sorted(CSET_82), min_size=1, max_size=20)


@given(st.lists(st.tuples(st.integers(1, 12_345_678), _TEXTS, _TEXTS), min_size=1), st.none() | st.just("1d"))
@example([(10_007, "A/7", None), (10_008, "A7", "x")], None)
@example([(1, "/" * 20, "/" * 20), (2, "." * 20, None)], "qr")
def test_names_are_those_of_single_files(
    rows: list[tuple[int, str | None, str | None]], slot: str | None
) -> None:
    schema = {"row": pl.Int64, "lot": pl.String, "serial": pl.String}
    table = pl.DataFrame(rows, schema, orient="row").with_columns(gtin=pl.lit("09506000134352"))
    names = member_names(table, slot, "svg").to_list()
    parts = [[part for part in ("09506000134352", lot, serial, slot) if part] for _, lot, serial in rows]
    assert names == [member_name(row, stem, "svg") for (row, *_), stem in zip(rows, parts, strict=True)]
    assert max(map(len, names)) <= MAX_LENGTH
