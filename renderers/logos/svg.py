"""Reads a logo from an SVG: filled shapes, grouped and transformed, and nothing else.

The file is read by expat, as a stream of tags, and only what is listed here is accepted. So there is no document type,
no entity, no reference to anything else, no style sheet, no text, no script and no picture in it.
Source: SVG 1.1, 7.6 (transform), 8.3 (path data), 9 (basic shapes), 11.3 (fill).
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn, TypeAlias
from xml.parsers import expat

from fontTools.misc.transform import Identity, Transform
from fontTools.pens.basePen import BasePen
from fontTools.pens.transformPen import TransformPen
from fontTools.svgLib.path.parser import parse_path
from PIL import ImageColor

from renderers.logos.errors import InvalidLogo
from renderers.logos.logo import OutlineLogo, Shape

#: Bytes of the file, pieces of all outlines, and levels of groups.
MAX_BYTES, MAX_PIECES, MAX_DEPTH = 256 * 1024, 20_000, 32

_NAMESPACE = "http://www.w3.org/2000/svg"
_LARGEST = 1e6

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_PATH = re.compile(r"[MmZzLlHhVvCcSsQqTtAaeE0-9+\-., \t\r\n]*")
_TRANSFORM = re.compile(r"\s*([a-zA-Z]+)\s*\(([^()]*)\)\s*,?")
_SIZE = re.compile(rf"({_NUMBER.pattern})\s*(?:px|pt|mm|cm|in)?")

_Attributes: TypeAlias = Mapping[str, str]

#: What editors add and no reader draws. The content of these elements is skipped.
_IGNORED = frozenset({"title", "desc", "metadata"})
#: Many editors leave an empty <defs> behind.
_GROUPS = frozenset({"g", "defs"})
#: Properties that a shape may have, beside its geometry; the values of the second kind change nothing.
_PAINT = frozenset({"fill", "fill-rule"})
_WITHOUT_EFFECT: Mapping[str, frozenset[str]] = {
    "stroke": frozenset({"none"}),
    "opacity": frozenset({"1"}),
    "fill-opacity": frozenset({"1"}),
    "display": frozenset({"inline", "block"}),
    "visibility": frozenset({"visible"}),
}
_DANGEROUS = re.compile("on.*|href|.*[: ]href|filter|mask|clip-path|marker.*|src", re.IGNORECASE)


def _fail(problem: str, expected: str = "filled shapes only") -> NoReturn:
    raise InvalidLogo(f"The SVG cannot be a logo: {problem}", value=problem, expected=expected)


def _refuse_declaration(*_: object) -> None:
    _fail("it has a document type or a processing instruction")


def read(text: str) -> OutlineLogo:
    """Return the logo. Raises InvalidLogo for an SVG that is damaged, too large, or more than filled shapes."""
    content = text.encode()
    if len(content) > MAX_BYTES:
        _fail(f"it has {len(content):,} bytes", f"at most {MAX_BYTES:,} bytes")
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = _refuse_declaration
    parser.ProcessingInstructionHandler = _refuse_declaration
    parser.CharacterDataHandler = reader.characters
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise InvalidLogo(f"The SVG is not well-formed: {error}", expected="an SVG") from error
    return reader.logo()


@dataclass(frozen=True, slots=True)
class _State:
    """What a group hands down to what is in it."""

    transform: Transform
    paint: _Attributes
    defines: bool = False


class _Pen(BasePen):
    """Writes outlines as operators of a PDF page."""

    def __init__(self, most: int) -> None:
        super().__init__(None)
        self.operators: list[str] = []
        self._most = most

    def _add(self, operator: str, *points: tuple[float, float]) -> None:
        if len(self.operators) >= self._most:
            _fail("its outlines have too many pieces", f"at most {MAX_PIECES:,} pieces")
        numbers = [number for point in points for number in point]
        if not all(abs(number) <= _LARGEST for number in numbers):  # also of what is no number
            _fail("a coordinate is too large", f"at most {_LARGEST:,.0f}")
        self.operators.append(" ".join([*(f"{number:.5f}" for number in numbers), operator]))

    def _moveTo(self, pt: tuple[float, float]) -> None:  # noqa: N802 - the names are fontTools'
        self._add("m", pt)

    def _lineTo(self, pt: tuple[float, float]) -> None:  # noqa: N802
        self._add("l", pt)

    def _curveToOne(  # noqa: N802
        self, pt1: tuple[float, float], pt2: tuple[float, float], pt3: tuple[float, float]
    ) -> None:
        self._add("c", pt1, pt2, pt3)

    def _closePath(self) -> None:  # noqa: N802
        self._add("h")

    def _endPath(self) -> None:  # noqa: N802
        pass  # a fill closes it


class _Reader:
    """Takes the tags of an SVG in their order."""

    def __init__(self) -> None:
        self._states: list[_State] = []
        self._skipped = 0
        self._box: tuple[float, float, float, float] | None = None
        self._shapes: list[Shape] = []
        self._pieces = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition(" ")
        if self._skipped or (self._states and (name in _IGNORED or namespace not in {_NAMESPACE, ""})):
            self._skipped += 1
            return
        if not self._states:
            if name != "svg":
                _fail(f"its first element is <{name[:40]}>", "<svg>")
            self._box = _view_box(attributes)
        elif self._states[-1].defines:
            _fail("it has definitions", "shapes without references")
        elif name not in _SHAPES and name not in _GROUPS:
            _fail(f"it has an element <{name[:40]}>", ", ".join(sorted(["g", *_SHAPES])))
        if len(self._states) >= MAX_DEPTH:
            _fail("its groups are nested too deeply", f"at most {MAX_DEPTH} levels")
        state = self._state(name, attributes)
        self._states.append(state)
        if name in _SHAPES:
            self._draw(name, attributes, state)

    def end(self, tag: str) -> None:
        del tag
        if self._skipped:
            self._skipped -= 1
        else:
            self._states.pop()

    def characters(self, text: str) -> None:
        if not self._skipped and text.strip():
            _fail("it has text", "text as outlines")

    def logo(self) -> OutlineLogo:
        if not self._shapes or self._box is None:
            _fail("it shows nothing", "at least one filled shape")
        return OutlineLogo(*self._box, tuple(self._shapes))

    def _state(self, name: str, attributes: _Attributes) -> _State:
        outer = self._states[-1] if self._states else _State(Identity, {})
        properties = {**attributes, **_declarations(attributes.get("style", ""))}
        for key, value in properties.items():
            if _DANGEROUS.fullmatch(key):
                _fail(f"<{name}> has the attribute {key[:40]!r}")
            if value.strip() not in _WITHOUT_EFFECT.get(key, {value.strip()}):
                _fail(f"<{name}> has {key}={value[:40]!r}", " or ".join(_WITHOUT_EFFECT[key]))
        paint = {**outer.paint, **{key: properties[key].strip() for key in _PAINT & properties.keys()}}
        return _State(
            outer.transform.transform(_transform(attributes.get("transform", ""))), paint, name == "defs"
        )

    def _draw(self, name: str, attributes: _Attributes, state: _State) -> None:
        fill = state.paint.get("fill", "black")
        if fill == "none":
            return
        path = _SHAPES[name](attributes)
        if not _PATH.fullmatch(path):
            _fail(f"<{name}> has path data that is none: {path[:40]!r}", "commands and numbers")
        pen = _Pen(MAX_PIECES - self._pieces)
        try:
            parse_path(re.sub(r"\s", " ", path), TransformPen(pen, state.transform))
        except (ValueError, AssertionError, ZeroDivisionError, OverflowError) as error:
            raise InvalidLogo(
                f"The SVG cannot be a logo: the outline of <{name}> is damaged: {str(error)[:80]}"
            ) from error
        self._pieces += len(pen.operators)
        if pen.operators:
            even_odd = state.paint.get("fill-rule") == "evenodd"
            self._shapes.append(Shape(" ".join([*pen.operators, ""]), _is_dark(fill), even_odd))


def _declarations(style: str) -> dict[str, str]:
    pairs = (each.partition(":") for each in style.split(";") if each.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _is_dark(fill: str) -> bool:
    if fill == "currentColor":
        return True
    try:
        red, green, blue, *_ = ImageColor.getrgb(fill)
    except ValueError as error:
        raise InvalidLogo(
            f"The SVG cannot be a logo: a shape is filled with {fill[:40]!r}",
            value=fill[:40],
            expected="a colour",
        ) from error
    return 299 * red + 587 * green + 114 * blue < 128_000


def _view_box(attributes: _Attributes) -> tuple[float, float, float, float]:
    if "viewBox" in attributes:
        numbers = _numbers(attributes["viewBox"])
    else:
        sizes = [_SIZE.fullmatch(attributes.get(side, "").strip()) for side in ("width", "height")]
        numbers = [0, 0, *(float(size[1]) for size in sizes if size)]
    if len(numbers) != 4 or not min(numbers[2:]) >= 1e-3 or max(map(abs, numbers)) > _LARGEST:
        _fail("its size is not known", "a viewBox of four numbers, or width and height")
    left, top, width, height = numbers
    return left, top, width, height


def _numbers(text: str) -> list[float]:
    found = [float(number) for number in _NUMBER.findall(text)]
    if _NUMBER.sub("", text).strip(" ,\t\r\n") or not all(map(math.isfinite, found)):
        _fail(f"{text[:40]!r} is no list of numbers", "numbers")
    return found


def _number(attributes: _Attributes, name: str) -> float:
    numbers = _numbers(attributes.get(name, "0").removesuffix("px"))
    if len(numbers) != 1:
        _fail(f"{name} is {attributes[name][:40]!r}", "a number")
    return numbers[0]


def _transform(text: str) -> Transform:
    """Return the transformation of a `transform` attribute."""
    result, at = Identity, 0
    text = text.strip()
    while at < len(text):
        match = _TRANSFORM.match(text, at)
        if match is None:
            _fail(f"{text[:40]!r} is no transformation", "matrix, translate, scale, rotate or skewX")
        name, numbers = match[1], tuple(_numbers(match[2]))
        known = _TRANSFORMS.get((name, len(numbers)))
        if known is None:
            _fail(f"{match[0][:40]!r} is no transformation that is known")
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


def _rectangle(attributes: _Attributes) -> str:
    x, y, width, height, rx, ry = (
        _number(attributes, name) for name in ("x", "y", "width", "height", "rx", "ry")
    )
    if rx or ry:
        _fail("<rect> has round corners", "a <path>")
    return f"M{x:.9g},{y:.9g}h{width:.9g}v{height:.9g}h{-width:.9g}z" if width > 0 and height > 0 else ""


def _ellipse(cx: float, cy: float, rx: float, ry: float) -> str:
    if min(rx, ry) <= 0:
        return ""
    arc = f"A{rx:.9g},{ry:.9g} 0 0 1"
    return f"M{cx - rx:.9g},{cy:.9g}{arc} {cx + rx:.9g},{cy:.9g}{arc} {cx - rx:.9g},{cy:.9g}z"


def _polygon(attributes: _Attributes) -> str:
    numbers = _numbers(attributes.get("points", ""))
    if len(numbers) % 2:
        _fail("the points of a <polygon> are not pairs", "pairs of numbers")
    points = [f"{x:.9g},{y:.9g}" for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
    return f"M{' L'.join(points)}z" if points else ""


#: The path data of each kind of shape.
_SHAPES: Mapping[str, Callable[[_Attributes], str]] = {
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
