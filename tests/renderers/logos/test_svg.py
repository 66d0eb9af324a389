"""SVG logos: filled shapes are drawn as resvg draws them; anything else is refused."""

import io

import numpy as np
import pypdfium2
import pytest
import resvg_py
from PIL import Image

from renderers.logos import svg
from renderers.logos.errors import InvalidLogo
from renderers.logos.logo import DotPicture

OPEN = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 100 50">'
)

#: Case table: what is in the picture.
DRAWN = {
    "a path of every command": "M10 10 L40 10 H50 V20 C60 20 60 30 50 30 S40 40 30 40 Q20 40 20 30 T10 20 A5 5 0 0 1 10 10 Z m50 0 l20 0 v10 h-20 z",
    "overlapping rings, even-odd": '<path fill-rule="evenodd" d="M10 5h60v40h-60zM20 15h40v20h-40z"/>',
    "overlapping rings, nonzero": '<path d="M10 5h60v40h-60zM20 15v20h40v-20z"/>',
    "groups and transformations": (
        '<g transform="translate(50 25) rotate(30)"><g transform="scale(1.5, .5)" fill="#222">'
        '<rect x="-10" y="-10" width="20" height="20"/></g><polygon points="0,0 20,5 5,18" transform="matrix(1 0 .3 1 2 3)"/></g>'
    ),
    "a rotation about a point": '<rect x="40" y="10" width="20" height="30" transform="rotate(45 50 25)"/>',
    "white over black": '<circle cx="50" cy="25" r="20"/><ellipse cx="50" cy="25" rx="12" ry="6" style="fill: #fff; stroke: none"/>',
    "nothing of what is not filled": '<rect width="100" height="50" fill="none"/><circle cx="20" cy="20" r="9" fill="black"/>',
    "titles and editors' marks": (
        '<title>Ours</title><metadata><x xmlns="urn:x">y</x></metadata><defs/><circle id="a" class="b" cx="30" cy="20" r="9"/>'
    ),
    "what reaches over the edge": '<circle cx="0" cy="0" r="30"/>',
}


def pdf_of(operators, width, height):
    """Return a page of so many points with the operators."""
    content = operators.encode()
    return (
        b"%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents 4 0 R/Resources<<>>>>endobj\n"
        b"4 0 obj<</Length %d>>stream\n%b\nendstream endobj\ntrailer<</Root 1 0 R>>"
        % (width, height, len(content), content)
    )


def as_resvg_draws(text, width, height):
    """Return the grey of each pixel, on white."""
    drawn = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=text, width=width, height=height))))
    white = Image.new("RGBA", drawn.size, "white")
    white.alpha_composite(drawn.convert("RGBA"))
    return np.asarray(white.convert("L"))


def svg_of(inside):
    return OPEN + (inside if inside.startswith("<") else f'<path d="{inside}"/>') + "</svg>"


@pytest.mark.parametrize("width", [36, 80, 400])
@pytest.mark.parametrize("inside", DRAWN.values(), ids=DRAWN)
def test_its_dots_are_those_of_another_renderer(inside, width):
    """A dot that an edge crosses may differ: theirs is grey by how much of it is covered."""
    dots = svg.read(svg_of(inside)).dots(width, width // 2)
    theirs = as_resvg_draws(svg_of(inside), width, width // 2)
    ours = dots.samples.astype(np.bool_)
    assert ours.shape == theirs.shape
    assert ours.any()
    assert not (ours & (theirs > 200)).any()
    assert not (~ours & (theirs < 55)).any()
    assert DotPicture.of(ours) == dots


@pytest.mark.parametrize("inside", DRAWN.values(), ids=DRAWN)
def test_it_is_drawn_as_another_renderer_draws_it(inside):
    text = svg_of(inside)
    logo = svg.read(text)
    assert logo.aspect == 2
    with pypdfium2.PdfDocument(pdf_of(logo.operators(400, 200), 400, 200)) as document:
        ours = document[0].render(scale=1, grayscale=True).to_numpy() < 128
    theirs = as_resvg_draws(text, 400, 200) < 128
    assert ours.any()
    assert np.count_nonzero(ours != theirs) < 0.01 * ours.size


#: Case table: why it is refused, and what is in the picture, or the whole of it.
REFUSED = {
    "a script": "<script>alert(1)</script>",
    "an event": '<rect width="9" height="9" onload="alert(1)"/>',
    "a style sheet": "<style>rect{fill:red}</style>",
    "a picture": '<image xlink:href="https://example.com/x.png"/>',
    "a reference": '<use xlink:href="#a"/>',
    "a link": '<rect width="9" height="9" xlink:href="https://example.com"/>',
    "foreign content": "<foreignObject/>",
    "text": "<text>hello</text>",
    "text beside shapes": '<rect width="9" height="9"/>hello',
    "an animation": "<animate/>",
    "a gradient": '<rect width="9" height="9" fill="url(#g)"/>',
    "definitions": '<defs><path d="M0 0h9v9z"/></defs>',
    "a filter": '<rect width="9" height="9" filter="url(#f)"/>',
    "a stroke": '<rect width="9" height="9" stroke="black"/>',
    "a stroke in a style": '<rect width="9" height="9" style="stroke:#000"/>',
    "a stroke of a group": '<g stroke="black"><rect width="9" height="9"/></g>',
    "half transparent": '<rect width="9" height="9" opacity="0.5"/>',
    "round corners": '<rect width="9" height="9" rx="2"/>',
    "path data that is none": '<path d="M0 0 L9 9 alert"/>',
    "path data that ends early": '<path d="M0 0 L9"/>',
    "path data without a beginning": '<path d="L9 9 z"/>',
    "a coordinate beyond all bounds": '<path d="M0 0 L1e300 9 z"/>',
    "a transformation that is none": '<rect width="9" height="9" transform="skew(3)"/>',
    "a transformation of too few numbers": '<rect width="9" height="9" transform="matrix(1 2 3)"/>',
    "points that are no pairs": '<polygon points="1 2 3"/>',
    "a size that is no number": '<rect width="9in" height="9"/>',
    "nothing": "",
    "only what is not filled": '<rect width="9" height="9" fill="none"/>',
    "groups without end": "<g>" * 40 + '<rect width="9" height="9"/>' + "</g>" * 40,
    "pieces without end": f'<path d="M0 0{"h1" * 25_000}"/>',
}

WHOLE = {
    "entities": '<!DOCTYPE svg [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><svg xmlns="http://www.w3.org/2000/svg">&b;</svg>',
    "an external entity": '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg viewBox="0 0 1 1">&a;</svg>',
    "an instruction": f'<?xml-stylesheet href="x"?>{OPEN}<rect width="9" height="9"/></svg>',
    "another document": "<html><body/></html>",
    "no document": "hello",
    "two documents": f"{OPEN}</svg><svg/>",
    "no size": '<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>',
    "a size of nothing": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 0 9"><rect width="9" height="9"/></svg>',
}


@pytest.mark.parametrize(
    "text",
    [*(f"{OPEN}{inside}</svg>" for inside in REFUSED.values()), *WHOLE.values()],
    ids=[*REFUSED, *WHOLE],
)
def test_what_is_no_filled_shape_is_refused(text):
    with pytest.raises(InvalidLogo):
        svg.read(text)


def test_a_size_may_stand_in_place_of_a_view_box():
    logo = svg.read(
        '<svg xmlns="http://www.w3.org/2000/svg" width="30mm" height="10mm"><rect width="9" height="9"/></svg>'
    )
    assert logo.aspect == 3
