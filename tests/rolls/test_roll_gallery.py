"""docs/rolls equals its script's output."""

import runpy

from tests.rolls.zpl_renderer import renderer

SCRIPT = "docs/make_roll_gallery.py"


def test_the_labels_are_current(request) -> None:
    script = runpy.run_path(str(request.config.rootpath / SCRIPT))
    folder = request.config.rootpath / "docs/rolls"
    for exhibit in script["EXHIBITS"]:
        zpl, *_ = script["zpl_of"](exhibit)
        assert (folder / f"{exhibit.name}.zpl").read_text(encoding="ascii") == zpl, "run `make gallery-rolls`"


def test_the_pictures_and_the_page_are_current(request) -> None:
    script = runpy.run_path(str(request.config.rootpath / SCRIPT))
    with renderer() as draw:
        made = script["gallery"](draw)
    kept = {path.name: path.read_bytes() for path in (request.config.rootpath / "docs/rolls").iterdir()}
    assert kept.keys() == made.keys()
    stale = [name for name in made if made[name] != kept[name]]
    assert stale == [], "run `make gallery-rolls`, and look at it"
