"""The geometry that all writers share: the places of symbol, bearer bars and text in a file, in X."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias, TypeVar

from renderers.symbol import GUARD_BAR_X, Captions, Drawing, HriZone, MatrixSymbols, SymbolGroup
from renderers.writers import hri


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle, in X from the upper left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class PictureLayout:
    """One file's picture, in X from its upper left corner, which is the corner of the quiet zone.

    The symbol, without longer guard bars, fills `symbol`. Guard bars are `guard_x` longer.
    """

    width_x: float
    height_x: float
    symbol: Box
    guard_x: float = 0
    bearer_bars: tuple[Box, ...] = ()
    text: tuple[hri.TextRun, ...] = ()


_Text = TypeVar("_Text")

#: (symbols that share a layout, layout, drawing, captions) -> one file per symbol
Draw: TypeAlias = Callable[[SymbolGroup, PictureLayout, Drawing, Captions], list[bytes]]


def draw_by_layout(symbols: SymbolGroup, drawing: Drawing, captions: Captions, draw: Draw) -> list[bytes]:
    """Return the files of all symbols in their order. Symbols with the same layout are drawn together.

    Without text, or with text in guard-bar places, all have the same layout; otherwise it may depend on the
    length of the text.
    Raises ValueError unless there is one caption of each kind per symbol.
    """
    count = len(symbols.positions)
    if not len(captions.titles) == len(captions.descriptions) == len(captions.elements) == count:
        raise ValueError(f"{count} symbols have not as many titles, descriptions and texts")
    if count == 0:
        return []
    frame = _Frame.of(symbols, drawing)
    if not drawing.hri or frame.zones:
        return draw(symbols, _layout(frame, None), drawing, captions)
    members_of: dict[hri.Setting, list[int]] = {}
    for member, elements in enumerate(captions.elements):
        setting = hri.fit(elements, frame.room_x, drawing.x_dimension_mm, linear=frame.linear)
        members_of.setdefault(setting, []).append(member)
    if len(members_of) == 1:
        return draw(symbols, _layout(frame, next(iter(members_of))), drawing, captions)
    files = [b""] * count
    for setting, members in members_of.items():
        part = Captions(
            _picked(captions.titles, members),
            _picked(captions.descriptions, members),
            _picked(captions.elements, members),
        )
        drawn = draw(symbols.only(members), _layout(frame, setting), drawing, part)
        for member, file in zip(members, drawn, strict=True):
            files[member] = file
    return files


@dataclass(frozen=True, slots=True)
class _Frame:
    """The part of the layout that all symbols of a group share."""

    linear: bool
    symbol_width_x: float
    symbol_height_x: float
    drawing: Drawing
    has_guards: bool = False
    zones: tuple[HriZone, ...] = ()

    @staticmethod
    def of(symbols: SymbolGroup, drawing: Drawing) -> "_Frame":
        if isinstance(symbols, MatrixSymbols):
            return _Frame(False, symbols.width_x, float(symbols.modules.shape[1]), drawing)
        if drawing.bar_height_mm is None:
            raise ValueError("bars need a height")
        height_x = drawing.bar_height_mm / drawing.x_dimension_mm
        quiet, width_x = drawing.quiet_zone, symbols.width_x
        if any(-z.left_x > quiet.left or z.left_x + z.width_x > width_x + quiet.right for z in symbols.zones):
            raise ValueError("digits beside the bars need the whole quiet zone")
        if symbols.guards and drawing.bearer_bar_x:
            raise ValueError("guard bars end where bearer bars would be: no symbol has both")
        return _Frame(True, width_x, height_x, drawing, bool(symbols.guards), symbols.zones)

    @property
    def room_x(self) -> float:
        """Width of the symbol with its quiet zones."""
        return self.symbol_width_x + self.drawing.quiet_zone.left + self.drawing.quiet_zone.right


@lru_cache(maxsize=256)
def _layout(frame: _Frame, setting: hri.Setting | None) -> PictureLayout:
    """Return the picture, from top to bottom: quiet zone, bearer bar, symbol, bearer bar, text.

    The text of a matrix symbol keeps out of the quiet zone below it, which linear symbols do not have.
    """
    quiet, drawing = frame.drawing.quiet_zone, frame.drawing
    width = frame.room_x if setting is None else max(frame.room_x, setting.width_x)
    begin = (width - frame.room_x) / 2
    bearer = drawing.bearer_bar_x if frame.linear else 0
    symbol = Box(begin + quiet.left, quiet.top + bearer, frame.symbol_width_x, frame.symbol_height_x)
    bottom = symbol.y + symbol.height
    bearer_bars = tuple(Box(begin, y, frame.room_x, bearer) for y in (quiet.top, bottom)) if bearer else ()
    guard = GUARD_BAR_X if frame.has_guards else 0
    if setting is not None:
        below = bottom + (guard + bearer if frame.linear else quiet.bottom)
        text = setting.runs(width / 2, below)
        height = below + setting.height_x + (quiet.bottom if frame.linear else 0)
    elif drawing.hri:
        text = hri.in_zones(frame.zones, symbol.x, bottom)
        height = bottom + max(guard, hri.zone_height_x(frame.zones)) + quiet.bottom
    else:
        text = ()
        height = bottom + guard + bearer + quiet.bottom
    return PictureLayout(width, height, symbol, guard, bearer_bars, text)


def _picked(texts: Sequence[_Text], members: Sequence[int]) -> list[_Text]:
    return [texts[member] for member in members]
