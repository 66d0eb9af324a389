"""A logo, drawn in whole dots or as filled outlines by the operators of a PDF page.

Source: ISO 32000-1:2008, 8.5 (paths), 8.9.5 (masks).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from renderers.filling import filled

#: How far the straight pieces of a curve may be from it, in dots.
_FLATNESS = 0.02
_MOST_PIECES = 256


class Logo(Protocol):
    """A picture of fixed proportions."""

    @property
    def aspect(self) -> float:
        """Width divided by height."""
        ...

    def operators(self, width_dots: int, height_dots: int) -> str:
        """Return the operators that draw it as large as this, its lower left corner at the origin, a dot as the unit."""
        ...

    def dots(self, width_dots: int, height_dots: int) -> "DotPicture":
        """Return it in black dots and white ones."""
        ...


@dataclass(frozen=True, slots=True)
class DotPicture:
    """Rows of dots from the top, as hexadecimal digits: 1 is black, and each row ends with whole bytes."""

    width: int
    height: int
    digits: str

    @classmethod
    def of(cls, samples: NDArray[np.bool_]) -> Self:
        """Return the picture of dots, shape (height, width), true for black."""
        height, width = samples.shape
        return cls(width, height, np.packbits(samples, axis=1).tobytes().hex())

    @property
    def samples(self) -> NDArray[np.uint8]:
        packed = np.frombuffer(bytes.fromhex(self.digits), np.uint8).reshape(self.height, -1)
        return np.unpackbits(packed, axis=1, count=self.width)

    @property
    def operators(self) -> str:
        """An image mask with one sample for each dot, a hundredth of a dot inside its edges."""
        return (
            f"q {self.width - 1}.98 0 0 {self.height - 1}.98 .01 .01 cm "
            f"BI/W {self.width}/H {self.height}/IM true/BPC 1/D[1 0]/F/AHx ID {self.digits}>\nEI Q\n"
        )


@dataclass(frozen=True, slots=True)
class DotLogo:
    """A picture of black and white: `grey` is its pixels from black (0) to white (255)."""

    grey: Image.Image

    @property
    def aspect(self) -> float:
        return self.grey.width / self.grey.height

    def operators(self, width_dots: int, height_dots: int) -> str:
        """Return an image mask with one sample for each dot."""
        return self.dots(width_dots, height_dots).operators

    def dots(self, width_dots: int, height_dots: int) -> DotPicture:
        """Return dots that are black where the picture is dark on average."""
        resized = self.grey.resize((width_dots, height_dots), Image.Resampling.BOX)
        return DotPicture.of(np.asarray(resized) < 128)


@dataclass(frozen=True, slots=True)
class Shape:
    """A filled path: its operators in units of the picture, y down, and whether it is black, or else white."""

    path: str
    black: bool
    even_odd: bool

    def lines(self) -> Iterator[tuple[tuple[float, ...], ...]]:
        """Yield the points of each side of the outline, four for a curve and two for a straight side."""
        numbers: list[float] = []
        begin = here = (0.0, 0.0)
        for word in self.path.split():
            if word[-1] not in "mlch":
                numbers.append(float(word))
                continue
            points = list(zip(numbers[::2], numbers[1::2], strict=True))
            numbers = []
            if word in "mh" and here != begin:
                yield here, begin
            if word == "m":
                begin = points[-1]
            elif word != "h":
                yield here, *points
            here = begin if word == "h" else points[-1]
        if here != begin:
            yield here, begin


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

    def dots(self, width_dots: int, height_dots: int) -> DotPicture:
        """Return dots that are black where their centre is on black."""
        scale = np.array([width_dots / self.width, height_dots / self.height])
        corner = np.array([self.left, self.top])
        black = np.zeros((height_dots, width_dots), np.bool_)
        for shape in self.shapes:
            sides = [_straight((np.array(line) - corner) * scale) for line in shape.lines()]
            if sides:
                inside = filled(np.concatenate(sides), 0, 0, width_dots, height_dots, even_odd=shape.even_odd)
                black = black | inside if shape.black else black & ~inside
        return DotPicture.of(black)


def _straight(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a side as straight pieces, shape (n, 4); the points of a cubic curve are its ends and controls, in dots."""
    if len(points) == 4:
        bend = float(np.abs(points[:-2] - 2 * points[1:-1] + points[2:]).max())
        pieces = min(_MOST_PIECES, max(1, math.ceil(math.sqrt(0.75 * bend / _FLATNESS))))
        t = np.linspace(0, 1, pieces + 1)[:, None]
        start, first, second, end = points
        curve = (1 - t) ** 3 * start + 3 * t * (1 - t) ** 2 * first + 3 * t**2 * (1 - t) * second + t**3 * end
        # The ends are exact, so that outlines are closed.
        curve[[0, -1]] = start, end
        points = curve
    return np.hstack([points[:-1], points[1:]])
