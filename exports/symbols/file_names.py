"""Names of the symbol files in a ZIP, for a whole table of symbols."""

import polars as pl

from renderers.file_names import FILES_PER_FOLDER, UNSAFE, member_name


def member_names(drawn: pl.DataFrame, slot: str | None, extension: str) -> pl.Series:
    """Return the names that `renderers.file_names.member_name` gives the files of drawn symbols.

    `slot` distinguishes the symbols of an entity that has several. Names that need escapes are made one by one. No
    other one is too long, because lot and serial have 20 characters at most.
    """
    row = pl.col("row")
    stem = pl.concat_str(["gtin", "lot", "serial", pl.lit(slot, pl.String)], separator="_", ignore_nulls=True)
    number = pl.concat_str(
        (row // FILES_PER_FOLDER).cast(pl.String).str.zfill(4),
        row.cast(pl.String).str.zfill(8),
        separator="/",
    )
    made = drawn.select(
        "row",
        stem.alias("stem"),
        pl.concat_str(number, pl.lit("_"), stem, pl.lit(f".{extension}")).alias("name"),
    )
    special = made.with_row_index().filter(pl.col("stem").str.contains(UNSAFE))
    names = [member_name(number, [stem], extension) for _, number, stem, _ in special.iter_rows()]
    return made["name"].scatter(special["index"], pl.Series(names, dtype=pl.String))
