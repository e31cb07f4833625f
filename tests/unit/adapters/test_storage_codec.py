"""Domain values as rows keep them."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.adapters.storage.codec import from_plain, to_plain
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.filing.copies import Copy
from shared.domain.filing.entries import Entry
from shared.domain.filing.filing import StoredMessage
from shared.domain.mail.messages import Document
from shared.domain.records.records import Record
from tests import builders
from tests.builders import a_document, a_mailbox, a_record, a_stored_message, an_entry

SAMPLES = [
    builders.a_mailbox(matched_to="project", never_log=("a.example",), last_sync_at=builders.NOW),
    builders.an_organisation(from_rules={"nested": {"a": [1, None]}}),
    builders.a_record("client/K-1", contacts=("C-1",)),
    builders.a_stored_message(has_dependents=True),
    builders.a_document(attachments=(builders.an_attachment(),), quoted=((1, 2), (5, 9))),
    builders.a_copy(bcc=("b@x.example",)),
    builders.a_sighting(address_hashes=("a", "b")),
    builders.an_entry(cc=("c@x.example",)),
    builders.an_inbox_item(),
    builders.a_failure(),
    builders.a_subscription(expires_at=None),
    builders.a_folder_state(cursor="https://graph.microsoft.example/next"),
]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: type(one).__name__)
def test_every_kind_of_row_comes_back(sample):
    assert from_plain(type(sample), json.loads(json.dumps(to_plain(sample)))) == sample


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda one: type(one).__name__)
def test_a_row_of_a_newer_version_can_be_read(sample):
    assert from_plain(type(sample), {**to_plain(sample), "added_later": {"x": 1}}) == sample


def test_a_row_of_an_older_version_takes_defaults():
    plain = to_plain(a_mailbox(capture="everything"))
    del plain["capture"], plain["aliases"]
    assert from_plain(Mailbox, plain) == a_mailbox()


def test_etags_are_not_stored():
    assert "etag" not in to_plain(a_record(etag="e"))
    assert from_plain(Record, to_plain(a_record(etag="e")), etag="f").etag == "f"


def test_times_are_kept_in_utc():
    entry = an_entry(at=datetime(2026, 3, 2, 10, tzinfo=timezone(timedelta(hours=1))))
    assert to_plain(entry)["at"] == "2026-03-02T09:00:00+00:00"
    assert from_plain(Entry, to_plain(entry)).at == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_the_shapes_are_what_json_and_people_can_read():
    plain = to_plain(a_stored_message(participants=frozenset({"b@x.example", "a@x.example"})))
    assert plain["participants"] == ["a@x.example", "b@x.example"]
    assert plain["decision"]["links"][0]["ref"] == "contact/C-1"
    assert plain["direction"] == "in"
    assert from_plain(StoredMessage, plain).decision.links[0].ref == builders.a_ref()
    assert to_plain(Copy("m", "g", "f")) == {
        "mailbox_id": "m",
        "item": "g",
        "folder_id": "f",
        "bcc": [],
    }
    assert from_plain(Document, to_plain(a_document(html="\ud800"))).html == "\ud800"
