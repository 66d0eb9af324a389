"""Tables of figures, with their targets."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_NAME = 44
_FIGURE = 12


@dataclass(frozen=True, slots=True)
class Aim:
    """A figure's target in words, and whether it is reached."""

    words: str
    met: bool

    @classmethod
    def most(cls, bound: float, figure: float) -> "Aim":
        return cls(f"≤ {bound:g}", figure <= bound)

    @classmethod
    def least(cls, bound: float, figure: float) -> "Aim":
        return cls(f"≥ {bound:g}", figure >= bound)


def heading(title: str, columns: Sequence[str] = ()) -> None:
    print(f"\n{title:<{_NAME}}" + "".join(f"{column:>{_FIGURE}}" for column in columns), flush=True)


def row(name: str, figures: Sequence[float | None], decimals: int = 2, aim: Aim | None = None) -> None:
    """Print a line; a missing figure stays empty."""
    cells = ("" if figure is None or math.isnan(figure) else f"{figure:,.{decimals}f}" for figure in figures)
    line = f"  {name:<{_NAME - 2}}" + "".join(f"{cell:>{_FIGURE}}" for cell in cells)
    if aim is not None:
        line += f"   aim {aim.words}: {'met' if aim.met else 'MISSED'}"
    print(line, flush=True)


def p95(values: Sequence[float]) -> float:
    """Return the 95th percentile: of one value that value, of no values NaN."""
    if len(values) < 2:
        return values[0] if values else math.nan
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else math.nan
