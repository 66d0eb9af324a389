"""Reads a logo from an SVG: filled shapes, grouped and transformed, and nothing else.

The file is read by expat, as a stream of tags, and only what is listed here is accepted. So there is no document type,
no entity, no reference to anything else, no style sheet, no text, no script and no picture in it.
Source: SVG 1.1, 8.3 (path data), 11.3 (fill).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.parsers import expat

from fontTools.misc.transform import Identity, Transform
from fontTools.pens.basePen import BasePen
from fontTools.pens.transformPen import TransformPen
from fontTools.svgLib.path.parser import parse_path
from PIL import ImageColor

from renderers.logos.errors import InvalidLogo
from renderers.logos.logo import OutlineLogo, Shape
from renderers.logos.svg_attributes import LARGEST, SHAPES, Attributes, fail, transformation, view_box

#: Bytes of the file, pieces of all outlines, and levels of groups.
MAX_BYTES, MAX_PIECES, MAX_DEPTH = 256 * 1024, 20_000, 32

_NAMESPACE = "http://www.w3.org/2000/svg"
_PATH = re.compile(r"[MmZzLlHhVvCcSsQqTtAaeE0-9+\-., \t\r\n]*")

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


def _refuse_declaration(*_: object) -> None:
    fail("it has a document type or a processing instruction")


def read(text: str) -> OutlineLogo:
    """Return the logo. Raises InvalidLogo for an SVG that is damaged, too large, or more than filled shapes."""
    content = text.encode()
    if len(content) > MAX_BYTES:
        fail(f"it has {len(content):,} bytes", f"at most {MAX_BYTES:,} bytes")
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
    paint: Attributes
    defines: bool = False


class _Pen(BasePen):
    """Writes outlines as operators of a PDF page."""

    def __init__(self, most: int) -> None:
        super().__init__(None)
        self.operators: list[str] = []
        self._most = most

    def _add(self, operator: str, *points: tuple[float, float]) -> None:
        if len(self.operators) >= self._most:
            fail("its outlines have too many pieces", f"at most {MAX_PIECES:,} pieces")
        numbers = [number for point in points for number in point]
        if not all(abs(number) <= LARGEST for number in numbers):  # also of what is no number
            fail("a coordinate is too large", f"at most {LARGEST:,.0f}")
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
                fail(f"its first element is <{name[:40]}>", "<svg>")
            self._box = view_box(attributes)
        elif self._states[-1].defines:
            fail("it has definitions", "shapes without references")
        elif name not in SHAPES and name not in _GROUPS:
            fail(f"it has an element <{name[:40]}>", ", ".join(sorted(["g", *SHAPES])))
        if len(self._states) >= MAX_DEPTH:
            fail("its groups are nested too deeply", f"at most {MAX_DEPTH} levels")
        state = self._state(name, attributes)
        self._states.append(state)
        if name in SHAPES:
            self._draw(name, attributes, state)

    def end(self, tag: str) -> None:
        del tag
        if self._skipped:
            self._skipped -= 1
        else:
            self._states.pop()

    def characters(self, text: str) -> None:
        if not self._skipped and text.strip():
            fail("it has text", "text as outlines")

    def logo(self) -> OutlineLogo:
        if not self._shapes or self._box is None:
            fail("it shows nothing", "at least one filled shape")
        return OutlineLogo(*self._box, tuple(self._shapes))

    def _state(self, name: str, attributes: Attributes) -> _State:
        outer = self._states[-1] if self._states else _State(Identity, {})
        properties = {**attributes, **_declarations(attributes.get("style", ""))}
        for key, value in properties.items():
            if _DANGEROUS.fullmatch(key):
                fail(f"<{name}> has the attribute {key[:40]!r}")
            if value.strip() not in _WITHOUT_EFFECT.get(key, {value.strip()}):
                fail(f"<{name}> has {key}={value[:40]!r}", " or ".join(_WITHOUT_EFFECT[key]))
        paint = {**outer.paint, **{key: properties[key].strip() for key in _PAINT & properties.keys()}}
        return _State(
            outer.transform.transform(transformation(attributes.get("transform", ""))), paint, name == "defs"
        )

    def _draw(self, name: str, attributes: Attributes, state: _State) -> None:
        fill = state.paint.get("fill", "black")
        if fill == "none":
            return
        path = SHAPES[name](attributes)
        if not _PATH.fullmatch(path):
            fail(f"<{name}> has path data that is none: {path[:40]!r}", "commands and numbers")
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
