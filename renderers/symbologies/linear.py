"""Linear symbols with a fixed number of digits, checked and encoded in batches."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gs1.check_digit import check_digit
from gs1.errors import LabelError
from renderers.errors import PayloadNotEncodable
from renderers.symbol import BarSymbols, EncodedBatch, HriZone

# Symbols encoded at a time, so that intermediate arrays stay in the processor's cache.
_SYMBOLS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class DigitSymbology:
    """A symbology whose symbols all carry the same number of digits, the last one their check digit.

    `draw` gets the digits, (n, digits) uint8 of 0–9, and fills the element widths, (n, elements) uint8 in X /
    `units_per_x`. `guards` and `zones` are those of BarSymbols. `holds` gets valid digits and returns which of them the
    symbology can carry, shape (n,); None means all. `held` describes those in words.
    """

    name: str
    digits: int
    elements: int
    draw: Callable[[NDArray[np.uint8], NDArray[np.uint8]], None]
    units_per_x: int = 1
    guards: tuple[int, ...] = ()
    zones: tuple[HriZone, ...] = ()
    holds: Callable[[NDArray[np.uint8]], NDArray[np.bool_]] | None = None
    held: str = ""


def encode(payloads: Sequence[bytes], symbology: DigitSymbology) -> EncodedBatch:
    """Return the symbols of payloads in one group, or no group if all are refused.

    A payload is the digits with their check digit. Refused as PayloadNotEncodable: a wrong length, a byte that is not a
    digit, a wrong check digit, digits that the symbology cannot carry. A symbol does not depend on the rest of the
    batch.
    """
    refused: dict[int, LabelError] = {}
    positions = np.empty(len(payloads), np.intp)
    widths = np.empty((len(payloads), symbology.elements), np.uint8)
    count = 0
    for places, digits, valid in _checked_slices(payloads, symbology):
        refused.update((int(p), refusal(payloads[int(p)], symbology)) for p in places[~valid])
        accepted = places[valid]
        stop = count + len(accepted)
        positions[count:stop] = accepted
        symbology.draw(digits, widths[count:stop])
        count = stop
    if not count:
        return EncodedBatch([], refused)
    symbols = BarSymbols(
        positions[:count], widths[:count], symbology.units_per_x, symbology.guards, symbology.zones
    )
    return EncodedBatch([symbols], refused)


def _checked_slices(
    payloads: Sequence[bytes], symbology: DigitSymbology
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.uint8], NDArray[np.bool_]]]:
    """Yield positions (n,), the digits of the valid payloads, and which of the n are valid (n,)."""
    length = symbology.digits
    # The check digit has weight 1. The sum of at most 14 digits is at most 252, so it fits uint8.
    weights = np.where(np.arange(length)[::-1] % 2, 3, 1).astype(np.uint8)
    for start in range(0, len(payloads), _SYMBOLS_AT_ONCE):
        part = payloads[start : start + _SYMBOLS_AT_ONCE]
        valid = np.fromiter(map(len, part), np.intp, len(part)) == length
        joined = b"".join(part if valid.all() else [payload for payload in part if len(payload) == length])
        # Unsigned subtraction wraps: bytes below "0" become large numbers.
        digits = np.frombuffer(joined, np.uint8).reshape(-1, length) - np.uint8(ord("0"))
        right = (digits <= 9).all(axis=1) & (digits @ weights % 10 == 0)
        if symbology.holds is not None:
            right &= symbology.holds(digits)
        if not right.all():
            digits = digits[right]
        valid[valid] = right
        yield np.arange(start, start + len(part)), digits, valid


def is_valid(payload: bytes, symbology: DigitSymbology) -> bool:
    """Return whether `encode` would accept the payload."""
    _, _, [valid] = next(_checked_slices([payload], symbology))
    return bool(valid)


def refusal(payload: bytes, symbology: DigitSymbology) -> PayloadNotEncodable:
    """Return the error for an invalid payload."""
    if len(payload) != symbology.digits or not payload.isdigit():
        return PayloadNotEncodable(
            f"{symbology.name} carries {symbology.digits} digits, not {payload!r}.",
            value=payload,
            expected=f"{symbology.digits} digits 0–9",
        )
    right = check_digit(payload[:-1].decode("ascii"))
    if payload[-1] - ord("0") == right:
        return PayloadNotEncodable(
            f"{symbology.name} cannot carry {payload.decode('ascii')}.",
            value=payload,
            expected=symbology.held,
        )
    return PayloadNotEncodable(
        f"{payload.decode('ascii')} has a wrong check digit.", value=payload, expected=f"check digit {right}"
    )
