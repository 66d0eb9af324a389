"""Where on a printer's media the things on a label lie, in whole dots.

What is laid out on a label may be turned before it is printed. Printers count dots from the upper left corner of the
media as it leaves them. `^FO` gives the upper left corner of a field, whichever way the field is turned.

Source: Zebra, ZPL II Programming Guide, `^FO`, `^PW`, `^LL`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renderers.sheets.document import SheetDocument

#: How commands name the turn of a field, by its degrees clockwise.
ORIENTATIONS: Mapping[int, str] = {0: "N", 90: "R", 180: "I", 270: "B"}


@dataclass(frozen=True, slots=True)
class Media:
    """The size of the label before it is turned clockwise by `rotate` degrees, and how far all is moved after that."""

    width: int
    height: int
    rotate: int
    right: int
    down: int

    @classmethod
    def of(cls, document: SheetDocument) -> "Media":
        """Return the media of a document that has one label a page."""
        width, height = document.page_dots
        calibration = document.calibration
        return cls(
            width,
            height,
            document.rotate,
            document.dots(calibration.offset_x_mm),
            document.dots(calibration.offset_y_mm),
        )

    @property
    def printed(self) -> tuple[int, int]:
        """Width and length of the media."""
        return (self.height, self.width) if self.rotate in {90, 270} else (self.width, self.height)

    @property
    def orientation(self) -> str:
        return ORIENTATIONS[self.rotate]

    def corner(self, left: int, bottom: int, width: int, height: int) -> tuple[int, int]:
        """Return where the upper left corner of a field is; its box is counted from the lower left corner of the unturned label."""
        top = self.height - bottom - height
        match self.rotate:
            case 90:
                x, y = self.height - top - height, left
            case 180:
                x, y = self.width - left - width, self.height - top - height
            case 270:
                x, y = top, self.width - left - width
            case _:
                x, y = left, top
        # No label may leave the page, but for what lengths in millimetres are rounded by.
        return max(0, x + self.right), max(0, y + self.down)

    def turned(self, samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return pictures, shape (n, rows, columns), as they lie on the media."""
        return np.rot90(samples, -self.rotate // 90, axes=(1, 2))
