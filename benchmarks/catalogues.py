"""The catalogue at size: import, count and resolve, beside a plain DuckDB file and Postgres on the same queries.

The target size is `--rows 10_000_000`: twenty organisations, of which the largest has half of all serials.
Times are the median of several, in a warm process. On a busy machine compare columns, not single figures.
Postgres is started by this script from Debian's package, and skipped if it is not installed.
"""

import argparse
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb
from _catalogue_data import LARGEST, ORGANISATIONS, files
from _catalogue_postgres import Postgres

from catalogue.imports.ingest import import_files
from catalogue.imports.options import Progress, Stage
from catalogue.lifecycle import Printing, record_printed
from catalogue.queries.selected import count, resolve
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue

CAP = 10_001
REPEATS = 7


@dataclass(frozen=True, slots=True)
class Query:
    """A count through the catalogue, and the same as an SQL condition on plain tables `s`, `p` and `l`."""

    name: str
    selection: Selection
    condition: str
    capped: bool = False

    @property
    def sql(self) -> str:
        limit = f"LIMIT {CAP}" if self.capped else ""
        return f"""SELECT count(*) FROM (SELECT 1 FROM serials s
            JOIN products p ON p.org = s.org AND p.gtin14 = s.gtin14 LEFT JOIN lots l ON l.id = s.lot_id
            WHERE s.org = '{LARGEST}' AND s.active AND p.active AND (s.lot_id IS NULL OR l.active)
            AND {self.condition} {limit}) matched"""


@dataclass(slots=True)
class Stages:
    """Durations of an import's stages, by table and stage; `rows` is the number of rows in the files."""

    seconds: dict[tuple[str, Stage], float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)
    _stage: tuple[str, Stage] | None = None

    def __call__(self, progress: Progress) -> None:
        now = time.perf_counter()
        self.seconds.setdefault((progress.table, progress.stage), 0.0)
        # The time before a stage's first report belongs to the stage before. Only checking reports after each
        # batch.
        step = (progress.table, progress.stage)
        spent_in = step if progress.stage is Stage.CHECKING or self._stage is None else self._stage
        self.seconds[spent_in] = self.seconds.get(spent_in, 0.0) + now - self._last
        self._last, self._stage = now, step


def peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def import_all(data: Path, root: str, rows: int, results: "multiprocessing.Queue[str]") -> None:
    """Import in a separate process, so that its memory is the import's."""
    catalogue = Catalogue(root)
    stages, started, before = Stages(), time.perf_counter(), time.process_time()
    read = 0
    with tempfile.TemporaryDirectory() as rejects:
        for organisation in ORGANISATIONS:
            report = import_files(
                catalogue,
                organisation,
                **files(data, organisation, rows),
                rejects_dir=Path(rejects),
                on_progress=stages,
            )
            assert not any(table.rejected for table in report.tables)
            read += report.tables[-1].read
    elapsed = time.perf_counter() - started
    for stage in (Stage.CHECKING, Stage.COMPARING, Stage.LANDING):
        seconds = stages.seconds["serials", stage]
        results.put(f"  {stage.value:<10} {seconds:7.1f} s  {read / seconds:10,.0f} rows/s")
    results.put(
        f"  everything {elapsed:7.1f} s  {read / elapsed:10,.0f} rows/s  ({time.process_time() - before:.0f} s of CPU)"
    )
    results.put(f"  peak memory {peak_mb():,} MB")
    results.put("")


def import_again(data: Path, root: str, rows: int, results: "multiprocessing.Queue[str]") -> None:
    """Import the same rows again under another name, while other processes count."""
    catalogue = Catalogue(root)
    with tempfile.TemporaryDirectory() as rejects:
        results.put("")
        import_files(catalogue, "newcomer", **files(data, LARGEST, rows), rejects_dir=Path(rejects))


def in_process(
    work: Callable[..., None], *arguments: object
) -> tuple[multiprocessing.Process, "multiprocessing.Queue[str]"]:
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[str] = context.Queue()
    process = context.Process(target=work, args=(*arguments, results))
    process.start()
    return process, results


def lines(results: "multiprocessing.Queue[str]") -> Iterator[str]:
    while line := results.get():
        yield line


def milliseconds(work: Callable[[], object]) -> float:
    def once() -> float:
        started = time.perf_counter()
        work()
        return (time.perf_counter() - started) * 1000

    once()
    return statistics.median(once() for _ in range(REPEATS))


def queries(catalogue: Catalogue) -> list[Query]:
    with catalogue.session(LARGEST) as cursor:
        product, lot, run = cursor.execute(
            "SELECT product_id, id, lot_run_id FROM lots ORDER BY gtin14, lot_number LIMIT 1 OFFSET 7"
        ).fetchall()[0]
        gtins = tuple(row[0] for row in cursor.execute("SELECT gtin14 FROM products LIMIT 5000").fetchall())
        ids = tuple(
            row[0]
            for row in cursor.execute(
                "SELECT id FROM serials USING SAMPLE 5000 ROWS (reservoir, 7)"
            ).fetchall()
        )

    def of(**filters: object) -> Selection:
        return Selection(LARGEST, Scope.SERIALS, **filters)

    def any_of(values: tuple[str, ...]) -> str:
        return "(" + ", ".join(f"'{value}'" for value in values) + ")"

    unprinted = (
        "NOT EXISTS (SELECT 1 FROM lifecycle_events e WHERE e.entity_id = s.id AND e.event_type = 'PRINTED')"
    )
    return [
        Query("everything, capped", of(), "true", capped=True),
        Query("everything", of(), "true"),
        Query("one product", of(product_id=product), f"s.product_id = '{product}'"),
        Query("one lot", of(lot_ids=(lot,)), f"s.lot_id = '{lot}'"),
        Query("one lot run", of(lot_run_id=run), f"l.lot_run_id = '{run}'"),
        Query(f"{len(gtins):,} GTINs", of(gtins=gtins), f"s.gtin14 IN {any_of(gtins)}"),
        Query(f"{len(ids):,} ids", of(serial_ids=ids), f"s.id IN {any_of(ids)}"),
        Query("never printed, capped", of(never_printed=True), unprinted, capped=True),
        Query("never printed", of(never_printed=True), unprinted),
    ]  # fmt: skip


def plain_copy(catalogue: Catalogue, folder: Path) -> duckdb.DuckDBPyConnection:
    """Copy the largest organisation's tables, unchanged, into a DuckDB file."""
    plain = duckdb.connect(str(folder / "plain.duckdb"))
    plain.execute("SET TimeZone = 'UTC'")
    for table, paths in catalogue.files(LARGEST).items():
        plain.execute(
            f"CREATE TABLE {table} AS SELECT '{LARGEST}' AS org, * FROM read_parquet({paths}, hive_partitioning = false)"
        )
    return plain


def counted(catalogue: Catalogue, query: Query) -> int:
    return count(catalogue, query.selection, limit=CAP if query.capped else None)


def fetched(plain: duckdb.DuckDBPyConnection, query: Query) -> int:
    [(number,)] = plain.execute(query.sql).fetchall()
    return number


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=lambda text: int(text.replace("_", "")), default=1_000_000)
    parser.add_argument(
        "--data", type=Path, help="Where generated files are kept; default: a temporary folder."
    )
    parser.add_argument("--root", help="Where the catalogue is made; default: a temporary folder.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-catalogue-") as temporary:
        run(
            arguments.rows,
            arguments.data or Path(temporary),
            arguments.root or f"{temporary}/catalogue",
            Path(temporary),
        )


def run(rows: int, data: Path, root: str, temporary: Path) -> None:
    print(f"{rows:,} serials, generating", flush=True)
    for organisation in ORGANISATIONS:
        files(data, organisation, rows)
    catalogue = Catalogue(root)
    if catalogue.version().serials == 0:
        print("import", flush=True)
        process, results = in_process(import_all, data, root, rows)
        for line in lines(results):
            print(line, flush=True)
        process.join()
        printed = resolve(catalogue, Selection(LARGEST, Scope.SERIALS), limit=rows // 10)
        started = time.perf_counter()
        recorded = record_printed(catalogue, LARGEST, Printing("bench", datetime.now(UTC)), printed)
        print(f"PRINTED of {recorded:,}: {time.perf_counter() - started:.1f} s", flush=True)

    asked = queries(catalogue)
    plain = plain_copy(catalogue, temporary)
    postgres = Postgres.start(temporary, plain)
    print(f"\n{'count, warm, ms':<24}{'catalogue':>12}{'DuckDB file':>12}{'Postgres':>12}")
    for query in asked:
        expected = counted(catalogue, query)
        found = [fetched(plain, query)]
        times = [
            milliseconds(partial(counted, catalogue, query)),
            milliseconds(partial(fetched, plain, query)),
        ]
        if postgres is not None:
            answer, seconds = postgres.ask(query.sql, REPEATS)
            found.append(answer)
            times.append(seconds * 1000)
        assert set(found) == {expected}, (query.name, expected, found)
        print(f"{query.name:<24}" + "".join(f"{ms:12.1f}" for ms in times), flush=True)
    if postgres is not None:
        postgres.stop()
    plain.close()

    started = time.perf_counter()
    resolved = sum(frame.height for frame in resolve(catalogue, Selection(LARGEST, Scope.SERIALS)))
    seconds = time.perf_counter() - started
    print(
        f"\nresolve {resolved:,} rows: {seconds:.1f} s, {resolved / seconds:,.0f} rows/s; peak memory {peak_mb():,} MB"
    )

    print(
        "\ncounts while another process imports half of all rows, ms: alone / meanwhile / worst", flush=True
    )
    watched = [
        query
        for query in asked
        if query.name in {"everything, capped", "one product", "one lot", "one lot run"}
    ]
    alone = {query.name: milliseconds(partial(counted, catalogue, query)) for query in watched}
    process, results = in_process(import_again, data, root, rows)
    results.get()
    meanwhile: dict[str, list[float]] = {query.name: [] for query in watched}
    while process.is_alive():
        for query in watched:
            started = time.perf_counter()
            counted(catalogue, query)
            meanwhile[query.name].append((time.perf_counter() - started) * 1000)
    for name, taken in meanwhile.items():
        print(
            f"  {name:<22}{alone[name]:8.1f}{statistics.median(taken):8.1f}{max(taken):8.1f}  ({len(taken)} counts)"
        )


if __name__ == "__main__":
    main()
