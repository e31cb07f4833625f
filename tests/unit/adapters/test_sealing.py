"""Sealed texts: opened by the keys that are known, in the row they belong to, and by nothing else."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest

from shared.adapters.secrets.sealing import Sealer
from shared.domain.errors import NewerForm, Rejected

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
TEXT = "0.AAAA-a-refresh-token"


def test_a_text_comes_back_and_does_not_show() -> None:
    sealed = Sealer([NEW]).seal(TEXT, "row")
    assert Sealer([NEW]).open(sealed, "row") == TEXT
    assert TEXT not in sealed


def test_no_two_seals_are_alike() -> None:
    sealer = Sealer([NEW])
    assert sealer.seal(TEXT, "row") != sealer.seal(TEXT, "row")


def test_an_old_key_still_opens_and_the_newest_seals() -> None:
    old = Sealer([OLD]).seal(TEXT, "row")
    both = Sealer([NEW, OLD])
    assert both.open(old, "row") == TEXT
    assert Sealer([NEW]).open(both.seal(TEXT, "row"), "row") == TEXT


def test_without_its_key_a_text_stays_shut_with_a_sentence() -> None:
    sealed = Sealer([OLD]).seal(TEXT, "row")
    with pytest.raises(Rejected, match="POSTLEDGER_TOKEN_KEYS") as raised:
        Sealer([NEW]).open(sealed, "row")
    assert raised.value.code == "LostTokenKey"


def test_a_sealed_text_opens_in_its_own_row_only() -> None:
    sealed = Sealer([NEW]).seal(TEXT, "tenant-1|graph-delegated")
    with pytest.raises(Rejected, match="another row"):
        Sealer([NEW]).open(sealed, "tenant-2|graph-delegated")


@pytest.mark.parametrize("position", [0, 11, 12, -16, -1])
def test_an_altered_text_stays_shut(position: int) -> None:
    """Nonce, text and tag. A byte is altered, not a letter: base64's last letter holds bits that mean nothing."""
    head, _, text = Sealer([NEW]).seal(TEXT, "row").rpartition(".")
    data = bytearray(urlsafe_b64decode(text))
    data[position] ^= 1
    with pytest.raises(Rejected):
        Sealer([NEW]).open(f"{head}.{urlsafe_b64encode(data).decode()}", "row")


@pytest.mark.parametrize("position", [0, 3, 10])
def test_an_altered_version_or_key_name_stays_shut(position: int) -> None:
    sealed = Sealer([NEW]).seal(TEXT, "row")
    changed = "A" if sealed[position] != "A" else "B"
    with pytest.raises(Rejected):
        Sealer([NEW]).open(sealed[:position] + changed + sealed[position + 1 :], "row")


@pytest.mark.parametrize("sealed", ["", "v1", "v1..", TEXT])
def test_what_was_never_sealed_stays_shut(sealed: str) -> None:
    with pytest.raises(Rejected):
        Sealer([NEW]).open(sealed, "row")


def test_a_seal_of_a_newer_version_waits_for_that_version() -> None:
    sealed = Sealer([NEW]).seal(TEXT, "row")
    with pytest.raises(NewerForm):
        Sealer([NEW]).open("v2" + sealed[2:], "row")


def test_nothing_is_sealed_without_a_key() -> None:
    assert not Sealer([]).has_key
    with pytest.raises(Rejected, match="POSTLEDGER_TOKEN_KEYS is not set"):
        Sealer([]).seal(TEXT, "row")
