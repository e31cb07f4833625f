"""Settings of organisations, mailboxes and records: read as sent, refused with a sentence."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.connections.fields import Fields
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.organisations import Organisation, is_listed
from shared.domain.connections.tenant_ids import is_tenant_id
from shared.domain.errors import InvalidInput
from shared.domain.records.records import Record, RecordRef
from tests.builders import AGENT, NOW, TENANT, a_mailbox, an_organisation


def mailbox(**settings: Any) -> Mailbox:
    return a_mailbox().changed(Fields(settings))


def test_a_new_mailbox_has_the_documented_defaults() -> None:
    made = Mailbox(TENANT, "ab" * 16, AGENT).changed(Fields({"kind": "personal", "agent": AGENT}))
    assert (made.capture, made.poll_minutes, made.matching, made.matched_to) == ("known", 10, True, None)
    assert (made.matching_type, made.unmatched, made.sent_items) == ("address_and_subject", "inbox", True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("language", "klingon"),
        ("language", "de" * 40),
        ("time_zone", "Europe"),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", "CET\x00"),
        ("time_zone", "Mars/Olympus"),
    ],
)
def test_a_language_and_a_time_zone_are_those_that_are_known(name: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        mailbox(**{name: value})
    known = mailbox(language="pt-BR", time_zone="America/Sao_Paulo")
    assert (known.language, known.time_zone) == ("pt-BR", "America/Sao_Paulo")
    assert known.changed(Fields({"language": "", "time_zone": ""})).time_zone == ""


def test_an_intake_mailbox_is_polled_every_minute_and_marks_as_read() -> None:
    made = Mailbox(TENANT, "ab" * 16, AGENT).changed(Fields({"kind": "intake", "agent": AGENT}))
    assert (made.poll_minutes, made.mark_read, made.backlog) == (1, True, "unread")
    assert made.unmatched == "new"
    told = Mailbox(TENANT, "ab" * 16, AGENT).changed(
        Fields({"kind": "intake", "agent": AGENT, "unmatched": "inbox"})
    )
    assert told.unmatched == "inbox"


def test_a_mailbox_that_becomes_another_kind_gets_that_kind_s_defaults() -> None:
    desk = a_mailbox().changed(Fields({"kind": "intake"}))
    assert desk.unmatched == "new"
    assert desk.changed(Fields({"kind": "personal"})).unmatched == "inbox"


def test_a_personal_mailbox_is_never_marked_as_read() -> None:
    with pytest.raises(InvalidInput, match="never touched"):
        mailbox(mark_read=True)


def test_a_mailbox_names_agents_who_may_send_from_it() -> None:
    shared = mailbox(senders=["Bea@contoso.example", "bea@contoso.example"])
    assert shared.senders == ("bea@contoso.example",)
    assert shared.changed(Fields({"poll_minutes": 3})).senders == shared.senders
    assert shared.changed(Fields({"senders": []})).senders == ()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"polls": 3}, "Unknown: polls"),
        ({"senders": ["everybody"]}, "'everybody', which is no e-mail address"),
        ({"capture": "all"}, "'capture' must be one of 'known', 'everything'"),
        ({"poll_minutes": 0}, "'poll_minutes' must be a whole number from 1 to 1440"),
        ({"poll_minutes": True}, "'poll_minutes' must be a whole number"),
        ({"enabled": "yes"}, "'enabled' must be true or false"),
        ({"agent": "nobody"}, "'nobody', which is no e-mail address"),
        ({"never_log": ["a b"]}, "no domain name"),
        ({"never_log": "x.example"}, "must be a list"),
        ({"connection": "pop"}, "'connection' must be one of 'graph-app'"),
    ],
)
def test_a_wrong_mailbox_setting_is_refused_by_name(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence.replace("(", r"\(")):
        mailbox(**settings)


def test_settings_that_are_not_sent_stay_as_they_are() -> None:
    changed = mailbox(capture="everything").changed(Fields({"poll_minutes": 3}))
    assert (changed.capture, changed.poll_minutes) == ("everything", 3)


@given(st.integers(0, 2**32 - 1), st.integers(1, 1_440), st.integers(0, 10**9))
def test_the_next_poll_is_within_one_interval_and_at_the_mailboxs_own_second(
    seed: int, minutes: int, seconds: int
) -> None:
    one = a_mailbox(mailbox_id=f"{seed:08x}{'0' * 24}", poll_minutes=minutes)
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    following = one.next_poll(now)
    assert timedelta(0) < following - now <= timedelta(minutes=minutes)
    assert one.next_poll(following) - following == timedelta(minutes=minutes)


def test_a_mailbox_is_due_when_its_time_has_come_and_it_is_enabled() -> None:
    assert a_mailbox(next_poll_at=None).is_due(NOW)
    assert a_mailbox(next_poll_at=NOW).is_due(NOW)
    assert not a_mailbox(next_poll_at=NOW + timedelta(seconds=1)).is_due(NOW)
    assert not a_mailbox(enabled=False).is_due(NOW)


def test_an_organisation_keeps_what_is_not_sent() -> None:
    changed = an_organisation(capture_hours=48).changed(Fields({"hide_email_chain": True}))
    assert (changed.capture_hours, changed.hide_email_chain, changed.enabled) == (48, True, True)


def test_domains_are_spelled_one_way() -> None:
    changed = an_organisation().changed(Fields({"own_domains": ["@Contoso.Example", "contoso.example"]}))
    assert changed.own_domains == ("contoso.example",)


def test_retention_may_be_taken_back() -> None:
    kept = Organisation(TENANT, retention_days=30)
    assert kept.changed(Fields({"retention_days": None})).retention_days == 30
    assert kept.changed(Fields({"retention_days": 0})).retention_days == 0


@pytest.mark.parametrize(
    ("address", "listed", "expected"),
    [
        ("a@x.example", ["a@x.example"], True),
        ("a@x.example", ["x.example"], True),
        ("a@mail.x.example", ["x.example"], True),
        ("a@notx.example", ["x.example"], False),
        ("b@x.example", ["a@x.example"], False),
    ],
)
def test_a_list_holds_addresses_and_domains(address: str, listed: list[str], expected: bool) -> None:
    assert is_listed(address, listed) is expected


@pytest.mark.parametrize("record_id", ["", "a/b", "a b", "ä", "x" * 129, "a?"])
def test_a_record_id_that_cannot_be_is_refused(record_id: str) -> None:
    with pytest.raises(InvalidInput, match="1 to 128 characters"):
        RecordRef("contact", record_id)


def test_an_unknown_kind_of_record_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'lead' is not a kind of record"):
        RecordRef("lead", "1")


def test_a_contact_is_indexed_by_its_addresses() -> None:
    fields = Fields({"name": "A", "addresses": ["Buyer@Fabrikam.example"], "client": "F"})
    record = Record.from_fields(RecordRef("contact", "C-1"), fields)
    assert record.index_keys == {"address:buyer@fabrikam.example"}
    assert record.client == "F"


def test_a_setting_of_another_kind_of_record_is_refused() -> None:
    with pytest.raises(InvalidInput, match="Unknown: domains"):
        Record.from_fields(RecordRef("contact", "C-1"), Fields({"domains": ["x.example"]}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [(TENANT, True), ("ABCDEF00-2222-4333-8444-555555555555", False), ("x", False), ("", False)],
)
def test_a_tenant_id_is_a_guid(text: str, expected: bool) -> None:
    assert is_tenant_id(text) is expected
