"""Keys have the published form, and a mistyped one is refused without a look-up."""

import re

import pytest

from accounts import keys


def test_a_new_key_has_the_published_form():
    key = keys.new_key()
    assert re.fullmatch(r"csb_[0-9A-Za-z]{32}_[0-9a-f]{8}", key)
    assert keys.is_well_formed(key)


def test_new_keys_differ():
    assert len({keys.new_key() for _ in range(100)}) == 100


def test_checksum_is_the_crc_32_check_value():
    assert keys.checksum("123456789") == "cbf43926"


BODY = "A" * 32
GOOD = f"csb_{BODY}_{keys.checksum(BODY)}"


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "empty"),
        (GOOD[:-1], "short checksum"),
        (GOOD + "0", "long checksum"),
        (GOOD + "\n", "trailing newline"),
        (GOOD.upper(), "uppercase"),
        (GOOD.replace("csb", "csc"), "other prefix"),
        (GOOD.replace("A", "B", 1), "one character mistyped"),
        (f"csb_{BODY}_00000000", "wrong checksum"),
        (f"csb_{BODY[:-1]}_{keys.checksum(BODY[:-1])}", "31 characters"),
        (f"csb_{'٣' * 32}_{keys.checksum('٣' * 32)}", "digits, but not ASCII"),
    ],
)
def test_a_malformed_key_is_refused(key, reason):
    assert not keys.is_well_formed(key), reason


def test_only_a_hash_is_kept():
    assert keys.digest(GOOD) != GOOD
    assert len(keys.digest(GOOD)) == 64
