"""Texts are made once each, and looked up by whole arrays of numbers."""

import numpy as np

from renderers.writers.made_once import TextTable


def test_texts_are_joined_by_row_and_made_once() -> None:
    made: list[int] = []

    def text(key: int) -> str:
        made.append(key)
        return f"<{key}>"

    table = TextTable(10, text)
    assert table.joined(np.array([[3, 1, 3], [0, 9, 1]])) == ["<3><1><3>", "<0><9><1>"]
    assert table.joined(np.array([[9, 2]])) == ["<9><2>"]
    assert table.joined(np.zeros((2, 0), np.int64)) == ["", ""]
    assert sorted(made) == [0, 1, 2, 3, 9]
