"""A logo, drawn in whole dots or as filled outlines by the operators of a PDF page.

Source: ISO 32000-1:2008, 8.5 (paths), 8.9.5 (masks).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image


class Logo(Protocol):
    """A picture of fixed proportions."""

    @property
    def aspect(self) -> float:
        """Width divided by height."""
        ...

    def operators(self, width_dots: int, height_dots: int) -> str:
        """Return the operators that draw it as large as this, its lower left corner at the origin, a dot as the unit."""
        ...


@dataclass(frozen=True, slots=True)
class DotLogo:
    """A picture of black and white: `grey` is its pixels from black (0) to white (255)."""

    grey: Image.Image

    @property
    def aspect(self) -> float:
        return self.grey.width / self.grey.height

    def operators(self, width_dots: int, height_dots: int) -> str:
        """Return an image mask with one sample for each dot."""
        resized = self.grey.resize((width_dots, height_dots), Image.Resampling.BOX)
        samples = np.packbits(np.asarray(resized) < 128, axis=1).tobytes().hex()
        return (
            f"q {width_dots - 1}.98 0 0 {height_dots - 1}.98 .01 .01 cm "
            f"BI/W {width_dots}/H {height_dots}/IM true/BPC 1/D[1 0]/F/AHx ID {samples}>\nEI Q\n"
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """A filled path: its operators in units of the picture, y down, and whether it is black, or else white."""

    path: str
    black: bool
    even_odd: bool


@dataclass(frozen=True, slots=True)
class OutlineLogo:
    """Filled paths, drawn one over the other within a picture whose corner is at (`left`, `top`)."""

    left: float
    top: float
    width: float
    height: float
    shapes: tuple[Shape, ...]

    @property
    def aspect(self) -> float:
        return self.width / self.height

    def operators(self, width_dots: int, height_dots: int) -> str:
        """Return the paths, cut at the edges of the picture."""
        across, up = width_dots / self.width, height_dots / self.height
        matrix = f"{across:.9f} 0 0 {-up:.9f} {-self.left * across:.5f} {height_dots + self.top * up:.5f} cm"
        painted = "".join(
            f"{int(not shape.black)} g {shape.path}{'f*' if shape.even_odd else 'f'}\n"
            for shape in self.shapes
        )
        return f"q 0 0 {width_dots} {height_dots} re W n {matrix}\n{painted}Q\n"
