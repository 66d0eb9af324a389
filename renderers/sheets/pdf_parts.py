"""The objects that a PDF has once: embedded font, metadata and output intent.

Source: ISO 32000-1:2008, 9.7 (composite fonts), 14.3 (metadata); ISO 19005-2:2011 (PDF/A-2), 6.2.2 (output
intent), 6.2.11 (fonts), 6.6 (metadata).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from unicodedata import bidirectional
from xml.sax.saxutils import escape

from isal import isal_zlib

from renderers.fonts.clusters import text_of
from renderers.fonts.subset import (
    ASCENT,
    CAP_HEIGHT,
    DESCENT,
    FONT_NAME,
    UNITS_PER_EM,
    make_subset,
)

PRODUCER = "GS1 label exporter"

# Measured on pages of QR Code: 1 % smaller than level 1 in the same time; zlib's level 6 is 10 % smaller still
# and takes seven times as long.
_LEVEL = 2

# A ToUnicode table may hold at most 100 entries a block: Adobe Technical Note 5014.
_BLOCK = 100


#: A preview is drawn anew at each change of its form, mostly with the same characters.
_subset = lru_cache(maxsize=4)(make_subset)


def stream(dictionary: str, content: bytes, *, compress: bool = True) -> bytes:
    """Return a stream object's body. `dictionary` has its entries except Length and Filter."""
    if compress:
        content = isal_zlib.compress(content, _LEVEL)
        dictionary += "/Filter/FlateDecode"
    return f"<<{dictionary}/Length {len(content)}>>\nstream\n".encode() + content + b"\nendstream"


def text_string(text: str) -> str:
    """Return a PDF text string.

    >>> text_string("Käse")
    '<feff004b00e400730065>'
    """
    return f"<feff{text.encode('utf-16-be').hex()}>"


def font_objects(characters: Sequence[str], first: int, *, bold: bool = False) -> list[bytes]:
    """Return the five objects of the embedded font, numbered from `first`; pages refer to the first."""
    subset = _subset(characters, bold=bold)
    name = f"/{subset.tag}+{FONT_NAME}"
    box = " ".join(map(str, subset.bounds))
    widths = " ".join(map(str, subset.widths))
    return [
        f"<</Type/Font/Subtype/Type0/BaseFont{name}/Encoding/Identity-H"
        f"/DescendantFonts[{first + 1} 0 R]/ToUnicode {first + 4} 0 R>>".encode(),
        f"<</Type/Font/Subtype/CIDFontType2/BaseFont{name}/CIDToGIDMap/Identity"
        "/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
        f"/FontDescriptor {first + 2} 0 R/DW {UNITS_PER_EM // 2}/W[1[{widths}]]>>".encode(),
        # Flags: symbolic, because the font has no encoding of its own.
        f"<</Type/FontDescriptor/FontName{name}/Flags 4/FontBBox[{box}]/ItalicAngle 0"
        f"/Ascent {ASCENT}/Descent {DESCENT}/CapHeight {CAP_HEIGHT}/StemV 80/FontFile2 {first + 3} 0 R>>".encode(),
        stream(f"/Length1 {len(subset.font)}", subset.font),
        stream("", _to_unicode(characters)),
    ]


def _to_unicode(characters: Sequence[str]) -> bytes:
    """Return the CMap with the characters that glyphs 1, 2, … stand for."""
    entries = [
        f"<{number:04x}><{_letters(unit).encode('utf-16-be').hex()}>"
        for number, unit in enumerate(characters, 1)
    ]
    blocks = [entries[at : at + _BLOCK] for at in range(0, len(entries), _BLOCK)]
    return "\n".join(
        [
            "/CIDInit/ProcSet findresource begin 12 dict begin begincmap",
            "/CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)/Supplement 0>>def",
            "/CMapName/Adobe-Identity-UCS def/CMapType 2 def",
            "1 begincodespacerange<0000><ffff>endcodespacerange",
            *(f"{len(block)} beginbfchar\n{chr(10).join(block)}\nendbfchar" for block in blocks),
            "endcmap CMapName currentdict/CMap defineresource pop end end",
            "",
        ]
    ).encode()


def _letters(unit: str) -> str:
    """Return the characters that a unit stands for, from left to right.

    Readers find right-to-left text by its characters, and turn those of one glyph around with the others.
    """
    text = text_of(unit)
    return text[::-1] if any(bidirectional(character) in {"R", "AL"} for character in text) else text


def output_intent(profile: int) -> bytes:
    """Return the output intent whose profile is object number `profile`."""
    return (
        "<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(sRGB)/Info(sRGB IEC61966-2.1)"
        f"/DestOutputProfile {profile} 0 R>>"
    ).encode()


def colour_profile() -> bytes:
    """Return the sRGB profile as a stream object. `srgb.icc` is Little CMS's sRGB profile with a fixed date."""
    return stream("/N 3", files("renderers.sheets").joinpath("srgb.icc").read_bytes())


def info(title: str, created: datetime) -> bytes:
    """Return the document information dictionary; its values are those of `metadata`."""
    date = created.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ")
    return (
        f"<</Title{text_string(title)}/Producer({PRODUCER})/CreationDate({date})/ModDate({date})>>".encode()
    )


def metadata(title: str, created: datetime) -> bytes:
    """Return the XMP packet that declares PDF/A-2b, as a stream object; uncompressed, as PDF/A requires."""
    date = created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    packet = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
 xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li></rdf:Alt></dc:title>
<xmp:CreateDate>{date}</xmp:CreateDate><xmp:ModifyDate>{date}</xmp:ModifyDate>
<pdf:Producer>{PRODUCER}</pdf:Producer>
<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
    return stream("/Type/Metadata/Subtype/XML", packet.encode(), compress=False)
