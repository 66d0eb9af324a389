"""Encodes the payloads of a slot, by symbology and in groups of one size."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from gs1.errors import LabelError
from gs1.symbol_size import SymbolKind
from renderers.engine import Engine
from renderers.registry import encoders
from renderers.symbol import ErrorCorrection, SymbolGroup


def groups(
    carried: pl.DataFrame, refused: dict[int, LabelError], level: ErrorCorrection, engine: Engine
) -> Iterator[tuple[SymbolKind, SymbolGroup]]:
    """Yield the symbols of rows that have the columns of `exports.symbols.payloads`, in groups of one size.

    A group's positions are those of the rows. Refused rows are left out. The errors of rows that cannot be encoded are
    added to `refused`, unless it has one already.
    """
    wanted = np.ones(carried.height, np.bool_)
    wanted[list(refused)] = False
    for kind in carried["kind"].unique().sort():
        places = np.flatnonzero((carried["kind"] == kind).to_numpy() & wanted)
        data = carried["data"].gather(places).cast(pl.Binary).to_list()
        encoded = encoders(engine)[SymbolKind(kind)](data, level)
        for index, error in encoded.refused.items():
            refused.setdefault(int(places[index]), error)
        for group in encoded.groups:
            yield SymbolKind(kind), replace(group, positions=places[group.positions])
