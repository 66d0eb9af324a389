"""A published renderer of ZPL that shares no code with ours: zpl-renderer-js under Node.js draws each label."""

import base64
import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

NODE = Path(__file__).parent.parent / "node"
PACKAGE = NODE / "node_modules" / "zpl-renderer-js"

#: Dots per millimetre, as the renderer has them, by our dots per inch.
DENSITIES = {203: 8, 300: 12, 600: 24}

#: (ZPL, width and length in dots, dots per inch) -> the labels, 0 for black
Draw: TypeAlias = Callable[[str, tuple[int, int], int], list[NDArray[np.uint8]]]


@contextmanager
def renderer() -> Generator[Draw]:
    """Yield a function that draws labels. Skips the test if the renderer is missing, or fails it in test-full."""
    if shutil.which("node") is None or not PACKAGE.is_dir():
        if os.environ.get("LABELS_TEST_FULL"):
            pytest.fail("node is missing, or what `npm ci --prefix tests/node` installs")
        pytest.skip("needs Node.js, and `npm ci --prefix tests/node`")
    command = [shutil.which("node") or "node", str(NODE / "draw_zpl.js")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as node:
        assert node.stdin is not None
        assert node.stdout is not None
        to_node, from_node = node.stdin, node.stdout

        def draw(zpl: str, size: tuple[int, int], dpi: int) -> list[NDArray[np.uint8]]:
            # Half a dot less than whole dots, which it rounds up to.
            width, height = ((dots - 0.5) / DENSITIES[dpi] for dots in size)
            wanted = {"zpl": zpl, "width_mm": width, "height_mm": height, "dots_per_mm": DENSITIES[dpi]}
            to_node.write(f"{json.dumps(wanted)}\n")
            to_node.flush()
            answer = json.loads(from_node.readline())
            assert "error" not in answer, answer["error"]
            return [_picture(png) for png in answer["labels"]]

        yield draw


def _picture(png: str) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(base64.b64decode(png))) as picture:
        return np.array(picture.convert("L"))
