"""Design documents: what is refused, and what a sensible one may say."""

import base64
import io
import json
import zlib

import pytest
from PIL import Image
from pydantic import ValidationError

from exports.designs.chosen import design_of
from exports.designs.document import BUILT_IN, Design
from exports.errors import InvalidRequest
from exports.requests.request import ACCEPTED_BEFORE
from renderers.sheets.sizing import TEXT_SIZES_PT


def png(width=20, height=10, mode="L"):
    out = io.BytesIO()
    Image.new(mode, (width, height)).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def bomb():
    """A PNG of a few kilobytes that says it has 900 million pixels."""
    out = io.BytesIO()
    Image.new("1", (1, 1)).save(out, "PNG")
    content = bytearray(out.getvalue())
    content[16:24] = (30_000).to_bytes(4) * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4)
    return base64.b64encode(content).decode()


def design(**members):
    return {"version": 1, **members}


def line(text, **members):
    return design(lines=[{"text": text, **members}])


def logo(**members):
    return design(logo={"height_mm": 5, **members})


SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{}</svg>'

#: Case table: why it is refused, the document, where the fault is, what the message says.
HOSTILE = [
    ("no version", {"lines": []}, "version", "required"),
    ("a later version", {"version": 2}, "version", "1"),
    ("an unknown key", design(colour="red"), "colour", "Extra"),
    ("10,000 lines", design(lines=[{"text": "x"}] * 10_000), "lines", "at most 12"),
    ("endless text", line("x" * 10_000), "lines.0.text", "at most 200"),
    ("no text", line("   "), "lines.0.text", "show something"),
    ("an unknown placeholder", line("{colour}"), "lines.0.text", "{colour}; there are {name}, {gtin}"),
    ("an attribute of a value", line("{lot.__class__}"), "lines.0.text", "{lot.title}"),
    ("an index", line("{lot[0]}"), "lines.0.text", "{lot[0]}"),
    ("a conversion", line("{lot!r}"), "lines.0.text", "{lot}"),
    ("a nested placeholder", line("{expiry:{lot}}"), "lines.0.text", "no date format"),
    ("a positional placeholder", line("{}"), "lines.0.text", "{}"),
    ("a single brace", line("{lot"), "lines.0.text", "brace"),
    ("a format of what is no date", line("{lot:>20}"), "lines.0.text", "takes no format"),
    ("a date without its year", line("{expiry:DD MM}"), "lines.0.text", "year, month"),
    ("a date with two years", line("{expiry:YY-MM-YYYY}"), "lines.0.text", "once"),
    ("letters in a date", line("{expiry:DD of MM YYYY}"), "lines.0.text", "no date format"),
    ("a title of a name", line("{name.title}"), "lines.0.text", "titles are {gtin.title}"),
    ("a line feed", line("a\nb"), "lines.0.text", "U+000A"),
    ("a NUL", line("a\0b"), "lines.0.text", "NUL"),
    ("a right-to-left override", line("LOT \u202e{lot}"), "lines.0.text", "U+202E RIGHT-TO-LEFT OVERRIDE"),
    ("an isolate", line("\u2067{lot}"), "lines.0.text", "U+2067"),
    ("an unseen space", line("LOT\u200b"), "lines.0.text", "U+200B"),
    ("a soft hyphen", line("LOT\u00ad"), "lines.0.text", "U+00AD"),
    ("a private character", line("\ue000"), "lines.0.text", "U+E000"),
    ("letters of no font", line("తేనీరు"), "lines.0.text", "No packaged font"),
    ("months that are no twelve", design(months=["JAN"]), "months", "at least 12"),
    ("a month of control characters", design(months=["\u202e"] * 12), "months.0", "U+202E"),
    ("text of no size", line("x", smallest_mm=0), "lines.0.smallest_mm", "0.5"),
    ("the least size above the greatest", line("x", smallest_mm=3, largest_mm=2), "", "at most largest_mm"),
    ("an alignment of another language", line("x", align="center"), "lines.0.align", "centre"),
    ("no picture", logo(), "logo", "either png or svg"),
    ("two pictures", logo(png=png(), svg=SVG.format("<rect/>")), "logo", "either"),
    ("a picture that is not base64", logo(png="%%%"), "logo", "base64"),
    ("a picture that is no PNG", logo(png=base64.b64encode(b"GIF89a").decode()), "logo", "no PNG"),
    ("a PNG that is cut short", logo(png=png()[:60]), "logo", "PNG"),
    ("a huge PNG", logo(png="A" * 400_000), "logo.png", "at most"),
    ("a decompression bomb", logo(png=bomb()), "logo", "30,000 x 30,000 pixels"),
    ("a picture of one row", logo(png=png(100, 1)), "logo", "20 times"),
    ("a huge SVG", logo(svg="x" * 300_000), "logo.svg", "at most"),
    ("a script", logo(svg=SVG.format("<script>alert(1)</script>")), "logo", "<script>"),
    ("a logo of no size", logo(png=png(), height_mm=0), "logo.height_mm", "1"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("document", "place", "says"), [row[1:] for row in HOSTILE], ids=[row[0] for row in HOSTILE]
)
def test_a_bad_document_is_refused_with_place_and_reason(document, place, says):
    with pytest.raises(InvalidRequest) as refused:
        design_of(json.dumps(document).encode())
    [fault, *_] = refused.value.details
    assert ".".join(map(str, fault["loc"][1:])) == place
    assert says in fault["msg"]


def test_a_good_document_is_taken_as_it_is():
    document = design(
        symbology="datamatrix",
        linear="gtin",
        hri=False,
        months=[f"M{number}" for number in range(12)],
        lines=[
            {"text": "{{{lot.title}}} {lot} {expiry:DD MMM YY}", "weight": "bold", "align": "right"},
            {"text": "شماره‌ی سری {serial}", "optional": 2, "place": "above"},
        ],
        logo={"png": png(), "height_mm": 4.5, "optional": 1},
    )  # fmt: skip
    made = design_of(json.dumps(document).encode())
    assert (
        Design.model_validate_json(made.model_dump_json(exclude_none=True), context=ACCEPTED_BEFORE) == made
    )
    assert made.logo.picture().aspect == 2


def test_text_has_todays_sizes_unless_the_design_has_its_own():
    plain = BUILT_IN["default"]
    assert plain.sizes_pt(None) == plain.sizes_pt(plain.lines[0]) == TEXT_SIZES_PT
    made = design_of(
        json.dumps(design(smallest_mm=2, lines=[{"text": "x", "largest_mm": 4}, {"text": "y"}])).encode()
    )
    ours, given, default = made.sizes_pt(None), made.sizes_pt(made.lines[0]), made.sizes_pt(made.lines[1])
    pt_of_mm = 72 / 25.4 / 0.668
    assert (given[0], given[-1]) == pytest.approx((4 * pt_of_mm, 2 * pt_of_mm))
    assert ours == default
    assert (ours[0], ours[-1]) == pytest.approx((2 * pt_of_mm, 2 * pt_of_mm))
    assert len(ours) == len(TEXT_SIZES_PT)


def test_a_whole_number_may_be_written_with_a_point() -> None:
    """JSON does not distinguish 13 from 13.0."""
    document = {"version": 1, "lines": [{"text": "{name}", "optional": 13.0}]}
    assert Design.model_validate(document).lines[0].optional == 13
    document["lines"] = [{"text": "{name}", "optional": 13.5}]
    with pytest.raises(ValidationError):
        Design.model_validate(document)
