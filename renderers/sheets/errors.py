"""Errors of label sheets."""

from renderers.errors import RenderError


class SheetError(RenderError):
    """The labels cannot be put on the requested sheet."""

    code = "cannot_lay_out_sheet"


class UnknownTemplate(SheetError):
    """No sheet template has this name. `nearest` are the most similar ids, the best first."""

    code = "unknown_template"

    def __init__(self, name: str, nearest: tuple[str, ...]) -> None:
        hint = f": did you mean {' or '.join(nearest)}?" if nearest else "."
        super().__init__(
            f"There is no sheet template {name!r}{hint}",
            value=name,
            expected="the id of a sheet template",
            field="sheet_template",
        )
        self.nearest = nearest


class InvalidTemplate(SheetError):
    """A table of sheet templates is not well-formed, or describes an impossible sheet.

    `row` is the line in the file, 1 for its header; `column` is None if the error concerns the whole row.
    """

    code = "invalid_template"

    def __init__(self, problem: str, *, row: int, column: str | None, value: object, expected: str) -> None:
        place = f"Row {row}" if column is None else f"Row {row}, column {column}"
        super().__init__(
            f"{place}: {problem}: {value!r}; expected {expected}.",
            value=value,
            expected=expected,
            field=column,
        )
        self.row = row
        self.column = column


class DoesNotFit(SheetError):
    """Symbol and human-readable text do not fit the label; widths and heights in millimetres."""

    code = "does_not_fit"

    def __init__(
        self, message: str, *, needed_mm: tuple[float, float], available_mm: tuple[float, float]
    ) -> None:
        super().__init__(
            message,
            value=available_mm,
            expected=f"at least {needed_mm[0]:.2f} x {needed_mm[1]:.2f} mm",
            field="sheet_template",
        )
        self.needed_mm = needed_mm
        self.available_mm = available_mm


class NotARoll(SheetError):
    """The template has several labels a page where it must have one. `rolls` are the ids of those that have one."""

    code = "not_a_roll"

    def __init__(self, name: str, labels: int, rolls: tuple[str, ...]) -> None:
        super().__init__(
            f"{name} has {labels} labels a page: roll_labels and rotate take a template with one label a page: "
            f"{', '.join(rolls)}",
            value=name,
            expected="the id of a template with one label a page",
            field="sheet_template",
        )
        self.rolls = rolls


class LeavesPage(SheetError):
    """Scale and offset move labels off the page."""

    code = "leaves_page"


class InvalidStartPosition(SheetError):
    """The sheet has no cell of this number."""

    code = "invalid_start_position"
