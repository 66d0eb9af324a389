"""Headers of members whose sizes take more than 32 bits."""

import io

import pytest

from renderers.archive import directory
from renderers.archive.records import CorruptArchive, Members, end_records, header_lengths, local_headers

#: The first values that plain fields cannot say. Source: PKWARE APPNOTE.TXT 6.3.10, 4.4.1.4.
MEMBERS, BYTES = 65_535, 4_294_967_295


def test_a_member_beyond_4_gib_has_both_sizes_in_its_header() -> None:
    header = local_headers(
        Members.of(["m", "n"], offset=0, method=8, crcs=[7, 7], compressed=[5, 5], sizes=[1 << 32, 9])
    )
    assert header[18:26] == b"\xff" * 8
    assert header[31:51] == bytes.fromhex("01001000" + "0000000001000000" + "0500000000000000")
    assert header[51 + 18 :] == bytes.fromhex("05000000" + "09000000" + "0100" + "0000") + b"n"


@pytest.mark.parametrize(
    ("members", "size", "offset", "wide"),
    [
        (MEMBERS - 1, 0, 0, False),
        (MEMBERS, 0, 0, True),
        (MEMBERS + 1, 0, 0, True),
        (1, BYTES - 1, 0, False),
        (1, BYTES, 0, True),
        (1, BYTES + 1, 0, True),
        (1, 0, BYTES - 1, False),
        (1, 0, BYTES, True),
        (1, 0, BYTES + 1, True),
    ],
)
def test_a_zip64_end_where_plain_fields_do_not_do(members: int, size: int, offset: int, wide: bool) -> None:
    end = end_records(members, size, offset)
    assert len(end) == (22 + 20 + 56 if wide else 22)
    found = directory.find(io.BytesIO(bytes(200) + end))
    assert (found.members, found.size, found.offset) == (members, size, offset)
    if wide:
        # A reader that took the plain fields for the truth would not look for the others.
        with pytest.raises(CorruptArchive, match="ZIP64 end"):
            directory.find(io.BytesIO(bytes(200) + end[-22:]))


@pytest.mark.parametrize("field", ["sizes", "compressed"])
@pytest.mark.parametrize(("value", "wide"), [(BYTES - 1, False), (BYTES, True), (BYTES + 1, True)])
def test_a_header_is_wide_where_32_bits_do_not_do(field: str, value: int, wide: bool) -> None:
    sizes = {"sizes": [1], "compressed": [1], field: [value]}
    member = Members.of(["m"], offset=0, method=8, crcs=[7], **sizes)
    header = local_headers(member)
    assert len(header) == header_lengths(member.entries)[0] == 30 + 1 + (20 if wide else 0)
    plain = header[18:22] if field == "compressed" else header[22:26]
    assert int.from_bytes(plain, "little") == (BYTES if wide else value)
