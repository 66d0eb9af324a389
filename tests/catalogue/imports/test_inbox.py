"""Inbox: only complete files from an organisation's own folder are imported, and every file gets a report."""

import os
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
import xlsxwriter

from catalogue.imports import inbox as inboxes
from catalogue.imports.folders import LocalFolders
from catalogue.imports.inbox import MOST_ATTEMPTS, Inbox, Taken
from catalogue.queries.selected import count, resolve
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue

TEA = "gtin,name\n9506000134352,Tea\n"
COFFEE = "gtin,name\n9506000134369,Coffee\n"


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(str(tmp_path / "catalogue"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for organisation in ("acme", "other"):
        (tmp_path / "inbox" / organisation).mkdir(parents=True)
    (tmp_path / "inbox" / "other" / "products.csv").write_text(COFFEE)
    return tmp_path / "inbox" / "acme"


def take(folder: Path, catalogue: Catalogue, seen: list[str] | None = None) -> list[Taken]:
    inbox = Inbox(str(folder.parent))
    fingerprints = [arrival.fingerprint for arrival in inbox.arrivals("acme")] if seen is None else seen
    return list(inbox.take("acme", fingerprints, catalogue))


def names(catalogue: Catalogue) -> list[str]:
    frames = list(resolve(catalogue, Selection("acme", Scope.PRODUCTS)))
    return [name for frame in frames for name in frame["product_name"]]


def meanwhile(monkeypatch: pytest.MonkeyPatch, what: Callable[[], None], *, before: str) -> None:
    """Do something just before the first time that the folders do a step."""
    step = getattr(LocalFolders, before)
    still_to_do = [what]

    def disturbed(self: LocalFolders, *arguments: object) -> object:
        while still_to_do:
            still_to_do.pop()()
        return step(self, *arguments)

    monkeypatch.setattr(LocalFolders, before, disturbed)


@pytest.mark.parametrize("name", ["Products.CSV", "PRODUCTS-monday.csv", "products" + "x" * 243 + ".csv"])
def test_names_compare_without_case_and_may_be_long(folder: Path, catalogue: Catalogue, name: str) -> None:
    (folder / name).write_text(TEA)
    (taken,) = take(folder, catalogue)
    assert taken.reason is None
    assert names(catalogue) == ["Tea"]
    assert (folder.parent / taken.moved_to).read_text() == TEA
    assert taken.moved_to.startswith("acme/done/")


# Case table: a name, and what its text says.
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("notes.txt", "begins with catalogue, products"),
        ("prices.csv", "begins with catalogue, products"),
        ("products.docx", "ends with .csv"),
        ("products", "ends with .csv"),
        ("products.pq", "cannot be read"),
        (os.fsdecode(b"pr\xffces.csv"), "pr\\xffces.csv"),
    ],
)
def test_what_is_not_taken_gets_an_answer(folder: Path, catalogue: Catalogue, name: str, said: str) -> None:
    (folder / name).write_text(TEA)
    (folder / ".products.csv.part").write_text("on its way")
    (taken,) = take(folder, catalogue)
    assert taken.report is None
    assert taken.moved_to.startswith("acme/rejected/")
    assert said in (folder.parent / f"{taken.moved_to}.reason.txt").read_text()
    assert {path.name for path in folder.iterdir()} == {".products.csv.part", "processing", "rejected"}


def test_content_that_was_replaced_after_the_look_is_not_imported(folder: Path, catalogue: Catalogue) -> None:
    path = folder / "products.csv"
    path.write_text(TEA)
    seen = [arrival.fingerprint for arrival in Inbox(str(folder.parent)).arrivals("acme")]
    path.write_text(COFFEE)
    assert take(folder, catalogue, seen) == []
    assert names(catalogue) == []
    assert path.read_text() == COFFEE


# Case table: before which step somebody writes to the file once more.
@pytest.mark.parametrize("step", ["carry", "copy", "stamp"])
def test_what_is_written_meanwhile_is_imported_when_it_is_whole(
    folder: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with (folder / "products.csv").open("a") as writer:
        writer.write(TEA)
        writer.flush()

        def write() -> None:
            writer.write("9506000134369,Coff")
            writer.flush()

        meanwhile(monkeypatch, write, before=step)
        assert take(folder, catalogue) == []
        assert "Coff" not in names(catalogue)
        writer.write("ee\n")
    (taken,) = take(folder, catalogue)
    assert taken.reason is None
    assert names(catalogue) == ["Tea", "Coffee"]
    assert "Coffee" in (folder.parent / taken.moved_to).read_text()


def test_what_is_written_after_the_copy_is_imported_too(
    folder: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "products.csv").write_text(TEA)
    imported = inboxes.import_paths

    def write_and_import(*arguments: object, **named: object) -> object:
        (claim,) = (folder / "processing").iterdir()
        with claim.open("a") as writer:
            writer.write("9506000134369,Coffee\n")
        return imported(*arguments, **named)

    with monkeypatch.context() as writing:
        writing.setattr(inboxes, "import_paths", write_and_import)
        assert take(folder, catalogue) == []
    assert names(catalogue) == ["Tea"]
    assert len(take(folder, catalogue)) == 1
    assert names(catalogue) == ["Tea", "Coffee"]


def test_a_link_that_was_swapped_in_reads_nobody_elses_file(
    folder: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "products.csv").write_text(TEA)

    def swap() -> None:
        (claim,) = (folder / "processing").iterdir()
        claim.unlink()
        claim.symlink_to(folder.parent / "other" / "products.csv")

    meanwhile(monkeypatch, swap, before="copy")
    (taken,) = take(folder, catalogue)
    assert "no link" in (folder.parent / f"{taken.moved_to}.reason.txt").read_text()
    assert names(catalogue) == []
    assert (folder.parent / "other" / "products.csv").read_text() == COFFEE


@pytest.mark.parametrize("kind", ["link", "hard link", "pipe"])
def test_only_plain_files_are_read(folder: Path, catalogue: Catalogue, kind: str) -> None:
    theirs = folder.parent / "other" / "products.csv"
    path = folder / "products.csv"
    makers = {"link": path.symlink_to, "hard link": path.hardlink_to, "pipe": lambda _: os.mkfifo(path)}
    makers[kind](theirs)
    (taken,) = take(folder, catalogue)
    assert "no plain file" in str(taken.reason)
    assert names(catalogue) == []
    assert theirs.read_text() == COFFEE


def test_a_folder_that_leads_elsewhere_is_not_entered(folder: Path, catalogue: Catalogue) -> None:
    (folder / "notes.txt").write_text("not for us")
    for kept in ("done", "rejected"):
        (folder / kept).symlink_to(folder.parent / "other")
    assert {taken.arrival.name for taken in take(folder, catalogue)} == {"notes.txt", "done", "rejected"}
    (folder / "notes.txt").write_text("not for us either")
    (folder / "processing").rename(folder / "moved")
    (folder / "processing").symlink_to(folder.parent / "other")
    with pytest.raises(NotADirectoryError):
        take(folder, catalogue)
    assert {path.name for path in (folder.parent / "other").iterdir()} == {"products.csv"}


def test_a_file_that_ends_every_process_is_refused_in_the_end(
    folder: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "products.csv").write_text(TEA)
    (folder / "lots.csv").write_text("gtin,lot_number\n9506000134352,L1\n")

    def die(*_: object, **__: object) -> None:
        raise MemoryError

    with monkeypatch.context() as dying:
        dying.setattr(inboxes, "import_paths", die)
        for _ in range(MOST_ATTEMPTS):
            with pytest.raises(MemoryError):
                take(folder, catalogue)
    products, lots = take(folder, catalogue)
    assert f"begun {MOST_ATTEMPTS} times" in str(products.reason)
    assert lots.report is not None, "what waited behind it is still taken"


def test_rows_that_were_not_imported_lie_beside_the_file(folder: Path, catalogue: Catalogue) -> None:
    text = f"{TEA}12345678905,Zeros lost\n9506000134353,Wrong\n"
    (folder / "products.csv").write_text(text)
    (taken,) = take(folder, catalogue)
    assert taken.report is not None
    assert names(catalogue) == ["Tea"], "nobody is asked"
    moved = folder.parent / taken.moved_to
    assert moved.read_text() == text
    beside = {
        path.name.removeprefix(f"{moved.name}."): path.read_text("utf-8-sig")
        for path in moved.parent.iterdir()
    }
    assert set(beside) == {moved.name, "held.csv", "refused.csv", "rejects.csv"}
    assert beside["held.csv"].splitlines()[1].startswith("12345678905,Zeros lost,3,gtin: leading zeros")
    assert beside["refused.csv"].splitlines()[1].startswith('9506000134353,Wrong,4,"gtin: ')


def test_a_catalogues_columns_tell_what_is_in_it(folder: Path, catalogue: Catalogue) -> None:
    with xlsxwriter.Workbook(folder / "Catalogue-2027.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["EAN", "Product", "Batch", "Expiry"])
        sheet.write_row(1, 0, ["9506000134352", "Tea", "L1", "31.03.2027"])
        sheet.write_row(2, 0, ["9506000134352", "Tea", "L 2", "31.03.2027"])
    (taken,) = take(folder, catalogue)
    assert taken.report is not None
    assert [(table.table, table.added) for table in taken.report.tables] == [("products", 1), ("lots", 1)]
    moved = folder.parent / taken.moved_to
    assert {path.name.removeprefix(f"{moved.name}.") for path in moved.parent.iterdir()} == {
        moved.name, "refused.xlsx", "lots.rejects.csv",
    }  # fmt: skip


def test_an_object_store_does_the_same(tmp_path: Path, catalogue: Catalogue) -> None:
    store = fsspec.filesystem("memory")
    root = f"/{tmp_path.name}"
    files = {"acme/Products.CSV": TEA.encode(), "acme/notes.txt": b"no", "other/lots.csv": b""}
    store.pipe({f"{root}/{name}": content for name, content in files.items()})
    inbox = Inbox(f"memory:/{root}")
    assert inbox.organisations() == ["acme", "other"]
    seen = [arrival.fingerprint for arrival in inbox.arrivals("acme")]
    store.pipe(f"{root}/acme/notes.txt", b"changed")
    (products,) = inbox.take("acme", seen, catalogue)
    (notes,) = inbox.take("acme", [arrival.fingerprint for arrival in inbox.arrivals("acme")], catalogue)
    assert count(catalogue, Selection("acme", Scope.PRODUCTS)) == 1
    assert store.cat(f"{root}/{products.moved_to}") == TEA.encode()
    assert b"begins with" in store.cat(f"{root}/{notes.moved_to}.reason.txt")
    assert inbox.arrivals("acme") == []
    assert [arrival.name for arrival in inbox.arrivals("other")] == ["lots.csv"]
