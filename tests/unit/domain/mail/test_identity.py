"""Identity: one key per mail, and when a shared Message-ID lies."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mail.addresses import Person
from shared.domain.mail.identity import Fingerprint, Hasher, message_key, variant_key
from tests.builders import CONTACT, NOW, TENANT, a_head, an_item

HASHER = Hasher.of(b"k" * 32, TENANT)


def test_copies_in_different_mailboxes_share_a_key() -> None:
    one = a_head(item=an_item("A"), folder_id="x", received_at=NOW)
    other = a_head(item=an_item("B"), folder_id="y", received_at=NOW + timedelta(seconds=40))
    assert message_key(HASHER, one) == message_key(HASHER, other)


def test_organisations_do_not_share_keys() -> None:
    elsewhere = Hasher.of(b"k" * 32, "99999999-8888-4777-8666-555555555555")
    assert message_key(HASHER, a_head()) != message_key(elsewhere, a_head())


def test_without_a_message_id_the_mail_itself_is_the_key() -> None:
    one = a_head(message_id="", item=an_item("A"), subject="Offer")
    copy = a_head(message_id="", item=an_item("B"), subject="RE: Offer")
    assert message_key(HASHER, one) == message_key(HASHER, copy)


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "Another matter"},
        {"sender": "someone@adatum.example"},
        {"sent_at": NOW},
        {"to": ("second@contoso.example",)},
    ],
)
def test_without_a_message_id_another_mail_has_another_key(change: dict[str, object]) -> None:
    assert message_key(HASHER, a_head(message_id="")) != message_key(HASHER, a_head(message_id="", **change))


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"sender": "list@adatum.example"}, True),
        ({"subject": "[EXTERNAL] Viewing on Thursday"}, True),
        ({"sent_at": NOW + timedelta(hours=3)}, True),
        ({"sent_at": NOW + timedelta(hours=3), "subject": "Invoice 7"}, False),
        ({"sender": "list@adatum.example", "subject": "Invoice 7"}, False),
        ({"sender": "list@adatum.example", "sent_at": NOW + timedelta(hours=3)}, False),
        ({"sender": "list@adatum.example", "sent_at": NOW + timedelta(minutes=5)}, True),
    ],
)
def test_two_differences_make_another_mail(change: dict[str, object], same: bool) -> None:
    first = Fingerprint.of(a_head(sent_at=NOW))
    other = Fingerprint.of(a_head(**{"sent_at": NOW, **change}))
    assert first.is_same_mail(other) is same
    assert other.is_same_mail(first) is same


def test_a_copy_from_a_list_that_rewrites_sender_and_subject_is_the_same_mail() -> None:
    direct = Fingerprint.of(a_head(subject="Offer", sent_at=NOW))
    through_list = a_head(
        sender=Person("Buyer via List", "list@lists.example"),
        subject="[list] Offer",
        reply_to=(CONTACT,),
        headers=(("list-id", "<list.lists.example>"),),
        sent_at=NOW,
    )
    assert Fingerprint.of(through_list).is_same_mail(direct)
    assert not Fingerprint.of(replace(through_list, reply_to=())).is_same_mail(direct)


def test_variants_have_keys_of_their_own() -> None:
    keys = [variant_key("ab", number) for number in range(4)]
    assert keys[0] == "ab"
    assert len(set(keys)) == 4


@given(st.text(), st.text())
def test_hashes_do_not_mix_up_kinds_or_texts(one: str, other: str) -> None:
    assert (HASHER("address", one) == HASHER("address", other)) is (one == other)
    assert HASHER("address", one) != HASHER("domain", one)
