"""Headers of members whose sizes take more than 32 bits."""

from renderers.archive.records import Members, local_headers


def test_a_member_beyond_4_gib_has_both_sizes_in_its_header() -> None:
    header = local_headers(
        Members.of(["m", "n"], offset=0, method=8, crcs=[7, 7], compressed=[5, 5], sizes=[1 << 32, 9])
    )
    assert header[18:26] == b"\xff" * 8
    assert header[31:51] == bytes.fromhex("01001000" + "0000000001000000" + "0500000000000000")
    assert header[51 + 18 :] == bytes.fromhex("05000000" + "09000000" + "0100" + "0000") + b"n"
