"""GS1 element strings as the payloads of GS1 DataMatrix and GS1-128."""

from gs1.element_string import FNC1
from renderers.errors import PayloadNotEncodable

#: FNC1 in a payload: the first byte, and the separator.
FNC1_BYTE = ord(FNC1)
FNC1_FIRST = FNC1.encode("ascii")


def refusal(message: bytes, symbology: str) -> PayloadNotEncodable | None:
    """Return why no symbol can carry the message, apart from its length, or None if a symbol can.

    A message is ASCII, starts with FNC1 as byte 0x1D and has at least one more character.
    """
    if message[:1] != FNC1_FIRST or len(message) == 1:
        return PayloadNotEncodable(
            f"A {symbology} starts with FNC1, followed by data.",
            value=message,
            expected="byte 0x1D and at least one character",
        )
    if not message.isascii():
        return PayloadNotEncodable(
            f"A {symbology} holds characters up to byte 127 only.", value=message, expected="bytes 0–127"
        )
    return None
