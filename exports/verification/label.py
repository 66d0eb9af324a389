"""What is drawn on one label of a sheet, against the frozen plan of the sheets."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence

from exports.errors import SymbolDoesNotDecode
from exports.sheets.plan import SheetPlan
from exports.verification.carried import Carried
from exports.verification.formats.pdf_pages import Mask, Text
from renderers.sheets.model import LabelLayout

#: What stands on one label, its places counted from the label's lower left corner.
Drawing = Sequence[Mask | Text]


def by_cell(
    name: str, sheet: SheetPlan, drawn: Iterable[Mask | Text], wanted: Collection[int]
) -> Mapping[int, Drawing]:
    """Return what a page draws in the wanted cells of the page, counted from 0.

    Places are counted from the label's lower left corner. Raises SymbolDoesNotDecode for what stands on no label.
    """
    document, template = sheet.document, sheet.template
    _, page_height = document.page_dots
    width, height = document.dots(template.label_width_mm), document.dots(template.label_height_mm)
    origins = [template.label_origin_mm(cell) for cell in range(template.labels_per_page)]
    lefts = [document.dots(x) for x, _ in origins[: template.columns]]
    # Rows count from the top of the page, heights from its lower edge.
    bottoms = [
        page_height - document.dots(y + template.label_height_mm) for _, y in origins[:: template.columns]
    ][::-1]
    cells: dict[int, list[Mask | Text]] = {}
    for each in drawn:
        column, row = bisect_right(lefts, each.x) - 1, bisect_right(bottoms, each.y) - 1
        if min(column, row) < 0 or each.x >= lefts[column] + width or each.y >= bottoms[row] + height:
            raise SymbolDoesNotDecode(f"{name} draws beside its labels", value=(each.x, each.y))
        cell = (template.rows - 1 - row) * template.columns + column
        if cell in wanted:
            moved = each._replace(x=each.x - lefts[column], y=each.y - bottoms[row])
            cells.setdefault(cell, []).append(moved)
    return cells


def require_same(name: str, label: Drawing, copy: Drawing) -> None:
    """Raise SymbolDoesNotDecode unless both labels show the same.

    Centred text may begin a dot further to one side, by where the label's own corner is rounded.
    """
    same = len(label) == len(copy) and all(
        one[1:] == other[1:] and abs(one.x - other.x) <= isinstance(one, Text)
        for one, other in zip(label, copy, strict=False)
    )
    if not same:
        raise SymbolDoesNotDecode(f"{name} is not the same as the entity's first label")


def require_text(
    name: str, sheet: SheetPlan, layout: LabelLayout, carried: Carried, drawing: Drawing
) -> None:
    """Raise SymbolDoesNotDecode unless the lines of human-readable text say what the symbol carries.

    Digits of EAN/UPC stand on one baseline in several pieces. The product's name is not compared.
    """
    characters = sheet.document.characters
    shown: dict[int, str] = {}
    for text in sorted(each for each in drawing if isinstance(each, Text)):
        glyphs = bytes.fromhex(text.glyphs.decode())
        numbers = [int.from_bytes(glyphs[at : at + 2]) for at in range(0, len(glyphs), 2)]
        words = "".join(characters[number - 1] for number in numbers if 0 < number <= len(characters))
        shown[text.y] = shown.get(text.y, "") + words
    # A label has one date at most: both kinds share the place of the expiry date.
    values = {"17" if ai == "15" else ai: f"({ai}){value}" for ai, value in carried.elements}
    values[""] = carried.shown_digits
    expected: dict[int, str] = {}
    for line in sorted(layout.hri, key=lambda line: line.left_mm):
        baseline = sheet.document.dots(line.baseline_mm)
        expected[baseline] = expected.get(baseline, "") + "".join(values.pop(ai, "") for ai in line.ais)
    if left := "".join(values.values()):
        raise SymbolDoesNotDecode(f"{name} has no line for {left!r}", value=left)
    for baseline, words in expected.items():
        if shown.get(baseline, "") != words:
            raise SymbolDoesNotDecode(
                f"{name} shows the text {shown.get(baseline)!r}", value=shown.get(baseline), expected=words
            )
