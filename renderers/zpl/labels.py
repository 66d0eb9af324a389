"""ZPL of labels: one format of commands for each, which depends on nothing that a printer keeps from before.

A label is one line of ASCII text, so that a file can be printed from any label on.

Source: Zebra, ZPL II Programming Guide.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from renderers.errors import RenderError
from renderers.logos.logo import DotPicture
from renderers.sheets import placement
from renderers.sheets.document import SheetDocument
from renderers.sheets.model import LogoBox
from renderers.sheets.placement import LabelGroup, SheetLabels, Stencil
from renderers.zpl import graphics, symbols, text
from renderers.zpl.media import Media

#: Resolutions of label printers, in dots per inch; 203 stands for 8 dots per mm.
RESOLUTIONS = (203, 300, 600)

#: What a printer may have been told before, set to what it is when it leaves the factory: no halved resolution, UTF-8,
#: lengths in dots, no shift, fields upright, labels neither inverted nor mirrored, black on white.
_FRESH = "^JMA^CI28^MUD^LH0,0^FWN^PON^PMN^LRN"


def draw(document: SheetDocument, labels: SheetLabels, copies: Sequence[int]) -> list[str]:
    """Return the commands that print each label so often, empty for one without a symbol.

    The document has one label a page.

    A label is numbered as its page is, from 1.
    """
    media = Media.of(document)
    bodies = [""] * len(labels.cells)
    for group in labels.groups:
        columns = [*_symbols(media, document, group), *_texts(media, document, group)]
        if group.layout.logo is not None:
            columns.append([_logo(media, document, group.layout.logo)] * len(group.symbols.positions))
        for position, *fields in zip(group.symbols.positions.tolist(), *columns, strict=True):
            bodies[position] += "".join(fields)
    width, length = media.printed
    head = f"^XA{_FRESH}^PW{width}^LL{length}^FXlabel "
    return [
        f"{head}{row}^FS{body}^PQ{count},0,0,N^XZ\n" if body else ""
        for row, body, count in zip((labels.cells + 1).tolist(), bodies, copies, strict=True)
    ]


def _symbols(media: Media, document: SheetDocument, group: LabelGroup) -> list[list[str]]:
    """Return the symbol of each label, and its guard or bearer bars."""
    left, bottom = placement.label_origins(document)[0].tolist()
    symbol, *bars = (
        replace(stencil, left=left + stencil.left, bottom=bottom + stencil.bottom)
        for stencil in placement.stencils(group)
    )
    x, y = media.corner(symbol.left, symbol.bottom, symbol.width, symbol.height)
    natives = symbols.native(group, symbol.height, media.orientation)
    drawn = [native and f"^FO{x},{y}{native}" for native in natives]
    pictured = [place for place, native in enumerate(natives) if native is None]
    if pictured:
        pictures = _pictures(media, replace(symbol, samples=symbol.samples[pictured]))
        for place, picture in zip(pictured, pictures, strict=True):
            drawn[place] = picture
    beside = [_pictures(media, each) for each in bars]
    return [
        [field or "" for field in drawn],
        *(fields * len(drawn) if len(fields) == 1 else fields for fields in beside),
    ]


def _pictures(media: Media, stencil: Stencil) -> list[str]:
    """Return the stencil of each label as a picture, or one box for all if it is solid. Its place is on the page."""
    x, y = media.corner(stencil.left, stencil.bottom, stencil.width, stencil.height)
    _, rows, columns = stencil.samples.shape
    across, down = stencil.width // columns, stencil.height // rows
    if media.rotate in {90, 270}:
        across, down = down, across
    if stencil.samples.size == 1:
        return [graphics.box(x, y, across, down)]
    return graphics.pictures(x, y, media.turned(stencil.samples), across, down)


def _logo(media: Media, document: SheetDocument, place: LogoBox) -> str:
    """Return the logo, the same on all labels."""
    if not isinstance(document.logo, DotPicture):
        raise RenderError("A roll has its logo in dots", value=document.logo, expected="a DotPicture")
    left, bottom = placement.label_origins(document)[0].tolist()
    return _logo_field(media, document.logo, left + place.left_dots, bottom + place.bottom_dots)


@lru_cache(maxsize=4)
def _logo_field(media: Media, logo: DotPicture, left: int, bottom: int) -> str:
    corner = media.corner(left, bottom, logo.width, logo.height)
    return graphics.picture(*corner, media.turned(logo.samples[None])[0])


def _texts(media: Media, document: SheetDocument, group: LabelGroup) -> list[list[str]]:
    left, bottom = placement.label_origins(document)[0].tolist()
    return [
        text.fields(media, document.dpi, placed, left, bottom) for placed in placement.texts(document, group)
    ]
