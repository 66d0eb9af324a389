"""What the attributes of an SVG say: sizes, transformations, and the outlines of shapes as path data.

Source: SVG 1.1, 7.6 (transform), 9 (basic shapes).
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import NoReturn, TypeAlias

from fontTools.misc.transform import Identity, Transform

from renderers.logos.errors import InvalidLogo

#: The greatest coordinate.
LARGEST = 1e6

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_TRANSFORM = re.compile(r"\s*([a-zA-Z]+)\s*\(([^()]*)\)\s*,?")
_SIZE = re.compile(rf"({_NUMBER.pattern})\s*(?:px|pt|mm|cm|in)?")

Attributes: TypeAlias = Mapping[str, str]


def fail(problem: str, expected: str = "filled shapes only") -> NoReturn:
    """Raise InvalidLogo."""
    raise InvalidLogo(f"The SVG cannot be a logo: {problem}", value=problem, expected=expected)


def view_box(attributes: Attributes) -> tuple[float, float, float, float]:
    """Return left, top, width and height of the picture."""
    if "viewBox" in attributes:
        numbers = _numbers(attributes["viewBox"])
    else:
        sizes = [_SIZE.fullmatch(attributes.get(side, "").strip()) for side in ("width", "height")]
        numbers = [0, 0, *(float(size[1]) for size in sizes if size)]
    if len(numbers) != 4 or not min(numbers[2:]) >= 1e-3 or max(map(abs, numbers)) > LARGEST:
        fail("its size is not known", "a viewBox of four numbers, or width and height")
    left, top, width, height = numbers
    return left, top, width, height


def _numbers(text: str) -> list[float]:
    found = [float(number) for number in _NUMBER.findall(text)]
    if _NUMBER.sub("", text).strip(" ,\t\r\n") or not all(map(math.isfinite, found)):
        fail(f"{text[:40]!r} is no list of numbers", "numbers")
    return found


def _number(attributes: Attributes, name: str) -> float:
    numbers = _numbers(attributes.get(name, "0").removesuffix("px"))
    if len(numbers) != 1:
        fail(f"{name} is {attributes[name][:40]!r}", "a number")
    return numbers[0]


def transformation(text: str) -> Transform:
    """Return the transformation of a `transform` attribute."""
    result, at = Identity, 0
    text = text.strip()
    while at < len(text):
        match = _TRANSFORM.match(text, at)
        if match is None:
            fail(f"{text[:40]!r} is no transformation", "matrix, translate, scale, rotate or skewX")
        name, numbers = match[1], tuple(_numbers(match[2]))
        known = _TRANSFORMS.get((name, len(numbers)))
        if known is None:
            fail(f"{match[0][:40]!r} is no transformation that is known")
        result, at = result.transform(known(*numbers)), match.end()
    return result


def _rotation(degrees: float, x: float = 0, y: float = 0) -> Transform:
    return Identity.translate(x, y).rotate(math.radians(degrees)).translate(-x, -y)


def _scaling(x: float, y: float | None = None) -> Transform:
    return Identity.scale(x, x if y is None else y)


def _skewing(degrees: float) -> Transform:
    return Identity.skew(math.radians(degrees), 0)


#: By name and count of numbers.
_TRANSFORMS: Mapping[tuple[str, int], Callable[..., Transform]] = {
    ("matrix", 6): Transform,
    ("translate", 1): Identity.translate,
    ("translate", 2): Identity.translate,
    ("scale", 1): _scaling,
    ("scale", 2): _scaling,
    ("rotate", 1): _rotation,
    ("rotate", 3): _rotation,
    ("skewX", 1): _skewing,
}


def _rectangle(attributes: Attributes) -> str:
    x, y, width, height, rx, ry = (
        _number(attributes, name) for name in ("x", "y", "width", "height", "rx", "ry")
    )
    if rx or ry:
        fail("<rect> has round corners", "a <path>")
    return f"M{x:.9g},{y:.9g}h{width:.9g}v{height:.9g}h{-width:.9g}z" if width > 0 and height > 0 else ""


def _ellipse(cx: float, cy: float, rx: float, ry: float) -> str:
    if min(rx, ry) <= 0:
        return ""
    arc = f"A{rx:.9g},{ry:.9g} 0 0 1"
    return f"M{cx - rx:.9g},{cy:.9g}{arc} {cx + rx:.9g},{cy:.9g}{arc} {cx - rx:.9g},{cy:.9g}z"


def _polygon(attributes: Attributes) -> str:
    numbers = _numbers(attributes.get("points", ""))
    if len(numbers) % 2:
        fail("the points of a <polygon> are not pairs", "pairs of numbers")
    points = [f"{x:.9g},{y:.9g}" for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
    return f"M{' L'.join(points)}z" if points else ""


#: The path data of each kind of shape.
SHAPES: Mapping[str, Callable[[Attributes], str]] = {
    "path": lambda attributes: attributes.get("d", ""),
    "rect": _rectangle,
    "polygon": _polygon,
    "circle": lambda attributes: _ellipse(
        _number(attributes, "cx"),
        _number(attributes, "cy"),
        _number(attributes, "r"),
        _number(attributes, "r"),
    ),
    "ellipse": lambda attributes: _ellipse(*(_number(attributes, name) for name in ("cx", "cy", "rx", "ry"))),
}
