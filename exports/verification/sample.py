"""Select the entities of a job whose symbols are decoded from the finished artefact."""

from collections.abc import Sequence

import polars as pl

from catalogue.attributes import BY_AI, Form
from exports.artefacts import ArtefactStore
from exports.jobs import manifest as manifests
from exports.jobs.manifest import Chunk
from exports.jobs.plan import ExportPlan

#: Clients wait for jobs of up to this many entities. Few symbols are decoded, because each takes milliseconds.
SMALL_JOB = 1_000
DECODED_OF_SMALL = 50

#: Number of decoded symbols of a larger job, in addition to one entity of each kind.
DECODED_OF_LARGE = 1_000

_FRAME_ROWS = 50_000

#: The values that determine the symbology of a row and the parts of its message.
_STRATA = (
    pl.col("carrier"),
    pl.col("gtin14").str.strip_chars_start("0").str.len_bytes().alias("significant_digits"),
    pl.col("lot_number").is_null().alias("without_lot"),
    pl.col("serial_number").is_null().alias("without_serial"),
    pl.col("expiry").is_null().alias("without_expiry"),
    pl.col("best_before").is_null().alias("without_best_before"),
)


def _strata(plan: ExportPlan) -> list[pl.Expr]:
    """Return what distinguishes kinds of rows. Measures of as many decimals have the same Application Identifier."""
    asked = [BY_AI[ai] for ai in plan.carry or () if ai in BY_AI]
    more = [pl.col(each.manifest_column).is_null().alias(f"without ({each.ai})") for each in asked]
    more += [
        pl.col(each.manifest_column).str.extract(r"\.(.+)").str.len_bytes().alias(f"decimals of ({each.ai})")
        for each in asked
        if each.form is Form.MEASURE
    ]
    return [*_STRATA, *more]


def size(entities: int, symbols_each: int) -> int:
    """Return the number of entities to decode, each with all its symbols. At least one.

    >>> [size(entities, 2) for entities in (10, 50, 1_000, 1_001, 1_000_000)]
    [10, 25, 25, 500, 500]
    """
    most = DECODED_OF_SMALL if entities <= SMALL_JOB else DECODED_OF_LARGE
    return min(entities, max(1, most // symbols_each))


def rows(
    plan: ExportPlan, store: ArtefactStore, chunk: Chunk, entities: int, symbols_each: int
) -> pl.DataFrame:
    """Return the chunk's share of a job's sample, in order: rows spread evenly, and its first row of each kind.

    The first and the last row of the job are always included. Rows of one kind have the same symbology and the same
    parts in their message, so the only EAN-8 among a million EAN-13 is included too. Small jobs are sampled evenly
    only.
    """
    count = size(entities, symbols_each)
    spread = pl.Series(
        [index * (entities - 1) // max(1, count - 1) for index in range(count)], dtype=pl.Int64
    )
    by_kind, strata = entities > SMALL_JOB, _strata(plan)
    seen: set[tuple[object, ...]] = set()
    sampled: list[pl.DataFrame] = []
    for frame in manifests.read_rows(plan, store, chunk, _FRAME_ROWS):
        chosen = pl.col("row").is_in(spread.implode())
        if by_kind:
            chosen |= pl.col("row").is_in(
                pl.Series(_new_kinds(frame, strata, seen), dtype=pl.Int64).implode()
            )
        # Copied as values, because a filtered frame keeps the texts of all original rows in memory.
        sampled.append(pl.DataFrame(frame.filter(chosen).rows(), schema=frame.schema, orient="row"))
    return pl.concat(sampled)


def _new_kinds(frame: pl.DataFrame, strata: Sequence[pl.Expr], seen: set[tuple[object, ...]]) -> list[int]:
    """Return the first row of each kind that is not in `seen`, and add the new kinds to `seen`."""
    firsts = frame.select(*strata, "row").unique(subset=pl.exclude("row"), keep="first")
    found = {kind: row for *parts, row in firsts.iter_rows() if (kind := tuple(parts)) not in seen}
    seen.update(found)
    return list(found.values())
