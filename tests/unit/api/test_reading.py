"""Timelines, messages and attachments over HTTP: shapes, ETags, and who may see what."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.filing.entries import entries_of
from shared.domain.filing.filing import Bounced
from shared.domain.matching.decisions import Disposition
from shared.domain.matching.evidence import THREAD as THREAD_ROLE
from shared.domain.matching.evidence import Evidence
from shared.domain.records.records import Overrides
from tests.builders import (
    AGENT,
    KEY,
    NOW,
    TENANT,
    a_copy,
    a_decision,
    a_document,
    a_folder_state,
    a_link,
    a_mailbox,
    a_record,
    a_stored_message,
    a_triaged_message,
    an_attachment,
    an_entry,
    an_item,
    an_organisation,
    rewrite,
)
from tests.fakes import FakeStorage
from tests.unit.api.tokens import OID, OTHER, Issuer
from tests.unit.api.wiring import Api

SECRET = "hidden@fabrikam.example"
THREAD = "a" * 32


@pytest.fixture
def filed(storage: FakeStorage) -> FakeStorage:
    """A contact with one filed mail that carries a PDF and an inline image."""
    files = (
        an_attachment(),
        an_attachment(id="1", name="logo.png", content_type="image/png", inline=True, content_id="logo@x"),
    )
    html = '<p>See <img src="cid:logo@x"><img src="https://tracker.example/a.png"><script>x()</script></p>'
    storage.records.put_many(TENANT, [a_record()])
    storage.timeline.put(TENANT, [an_entry()])
    storage.messages.create(TENANT, a_stored_message(), a_document(html=html, attachments=files), a_copy())
    storage.folder_states.put(a_mailbox(), a_folder_state())
    storage.attachments.put(TENANT, KEY, "0", iter([b"%PDF-", b"1.7"]))
    storage.attachments.put(TENANT, KEY, "1", iter([b"\x89PNG"]))
    return storage


def with_bcc(storage: FakeStorage) -> None:
    """A mail the agent sent to the contact with a hidden recipient, who is on a card too."""
    links = (a_link(), a_link("contact/C-9", evidence=f"bcc {SECRET}", rule="contact_address"))
    stored = a_stored_message(decision=a_decision(links=links))
    storage.records.put_many(TENANT, [a_record(), a_record("contact/C-9", addresses=(SECRET,))])
    storage.messages.create(TENANT, stored, a_document(), a_copy(bcc=(SECRET,)))
    storage.timeline.put(TENANT, [an_entry(link=one) for one in links])


def test_a_timeline_has_the_shape_that_clients_rely_on(api: Api, issuer: Issuer, filed: FakeStorage) -> None:
    answer = api.get("timelines/contact/C-1", issuer.user("Agent"))
    assert answer.status_code == 200
    assert answer.json()["cursor"] is None
    (entry,) = answer.json()["entries"]
    assert entry["message_id"] == KEY
    assert entry["internet_message_id"] == "<first@fabrikam.example>"
    assert (entry["kind"], entry["direction"], entry["at"]) == ("synced", "in", "2026-03-02T09:00:00Z")
    assert entry["from"] == {"name": "Buyer", "address": "buyer@fabrikam.example"}
    assert entry["to"] == [{"name": "Agent", "address": AGENT}]
    assert set(entry) >= {"id", "subject", "cc", "preview", "has_attachments", "rule", "evidence", "agent"}


def test_message_ids_have_one_form_wherever_they_stand(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    parent = an_entry(thread=THREAD)
    by_thread = a_link(rule="thread", evidence=Evidence(THREAD_ROLE, text="first@fabrikam.example"))
    answer = a_stored_message(
        key="2" * 32, answered=parent.id, thread=THREAD, decision=a_decision(links=(by_thread,))
    )
    document = a_document(message_id="second@fabrikam.example", in_reply_to=("first@fabrikam.example",))
    storage.records.put_many(TENANT, [a_record()])
    storage.messages.create(TENANT, a_stored_message(thread=THREAD, at=NOW), a_document(), a_copy())
    storage.messages.create(TENANT, replace(answer, at=NOW + timedelta(1)), document, a_copy())
    storage.timeline.put(TENANT, [parent, *entries_of(replace(answer, at=NOW + timedelta(1)), document)])
    token = issuer.user("Agent")
    newest, oldest = api.get("timelines/contact/C-1", token).json()["entries"]
    read = api.get(f"messages/{'2' * 32}", token).json()
    shown = api.get(f"messages/{KEY}/thread", token).json()
    for found in (newest, read, shown["entries"][1]):
        assert found["in_reply_to"] == found["evidence"] == "<first@fabrikam.example>"
    assert (oldest["in_reply_to"], oldest["answers"], newest["answers"]) == ("", 1, 0)
    assert (shown["thread_id"], shown["cursor"]) == (THREAD, None)
    assert shown["entries"][1] == {name: read[name] for name in newest}
    assert {newest["thread_id"], oldest["thread_id"], read["thread_id"]} == {THREAD}


def test_a_timeline_is_read_page_by_page_and_filtered(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    storage.records.put_many(TENANT, [a_record()])
    rows = [an_entry(message_key=f"{n:032x}", at=NOW.replace(minute=n), subject=f"No {n}") for n in range(5)]
    storage.timeline.put(TENANT, [*rows, an_entry(kind="note", message_key="f" * 32, subject="A note")])
    token, seen, cursor = issuer.user("Agent"), [], ""
    while cursor is not None:
        page = api.get(
            "timelines/contact/C-1", token, params={"limit": 2, "cursor": cursor, "filter": "synced"}
        )
        seen += [one["subject"] for one in page.json()["entries"]]
        cursor = page.json()["cursor"]
    assert seen == ["No 4", "No 3", "No 2", "No 1", "No 0"]
    found = api.get("timelines/contact/C-1", token, params={"q": "note"}).json()["entries"]
    assert [one["subject"] for one in found] == ["A note"]
    none = api.get("timelines/contact/C-1", token, params={"agent": "other@contoso.example"}).json()[
        "entries"
    ]
    assert none == []


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"limit": 201}, "limit"),
        ({"limit": 0}, "limit"),
        ({"cursor": "a'b"}, "cursor"),
        ({"filter": "synced,spam"}, "spam"),
        ({"filter": ""}, "filter"),
        ({"with_attachments": "perhaps"}, "with_attachments"),
        ({"agent": "nobody"}, "agent"),
    ],
)
def test_a_wrong_question_is_answered_with_the_field_s_name(
    api: Api, issuer: Issuer, filed: FakeStorage, params: dict[str, Any], word: str
) -> None:
    answer = api.get("timelines/contact/C-1", issuer.user("Agent"), params=params)
    assert answer.status_code == 422
    assert word in answer.json()["detail"]


def test_a_record_that_is_not_there_has_no_timeline(api: Api, issuer: Issuer) -> None:
    assert api.get("timelines/contact/C-404", issuer.user("Agent")).status_code == 404
    assert api.get("timelines/spaceship/1", issuer.user("Agent")).status_code == 422


def test_what_is_polled_answers_304_until_it_changes(api: Api, issuer: Issuer, filed: FakeStorage) -> None:
    token = issuer.user("Agent")
    for path in ("timelines/contact/C-1", f"messages/{KEY}"):
        etag = api.get(path, token).headers["etag"]
        again = api.get(path, token, headers={"If-None-Match": f'"other", W/{etag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert set(again.headers["vary"].split(", ")) >= {"Authorization", "Postledger-Organisation"}
    filed.timeline.put(TENANT, [an_entry(message_key="1" * 32)])
    etag = api.get("timelines/contact/C-1", token).headers["etag"]
    assert api.get("timelines/contact/C-1", token, headers={"If-None-Match": '"x"'}).status_code == 200
    assert api.get("timelines/contact/C-1", token, headers={"If-None-Match": etag}).status_code == 304


def test_a_message_is_shown_safe_and_whole(api: Api, issuer: Issuer, filed: FakeStorage) -> None:
    message = api.get(f"messages/{KEY}", issuer.user("Agent")).json()
    assert f"/api/v1/messages/{KEY}/attachments/1" in message["html"]
    assert "script" not in message["html"]
    assert "tracker.example" not in message["html"]
    assert message["blocked_images"] == ["https://tracker.example/a.png"]
    assert message["body_withheld"] is None
    assert (message["own_text"], message["quoted_text"]) == ("Could we see it on Thursday?", "")
    assert message["attachments"][0] == {
        "id": "0",
        "name": "plan.pdf",
        "content_type": "application/pdf",
        "size": 2048,
        "inline": False,
    }
    assert message["links"][0]["kind"] == "contact"
    assert message["links"][0]["by"] == "postledger"
    assert message["sightings"] == [{"mailbox": AGENT, "folder": "inbox"}]
    assert (message["message_id"], message["bcc"]) == (KEY, [])


def test_remote_images_come_when_asked_for(api: Api, issuer: Issuer, filed: FakeStorage) -> None:
    message = api.get(f"messages/{KEY}?remote_images=true", issuer.user("Agent")).json()
    assert "https://tracker.example/a.png" in message["html"]
    assert message["blocked_images"] == []


OWN = "<div>Yes.</div>"
QUOTED = '<div class="gmail_quote">On Monday Bo wrote:<blockquote>Is it?</blockquote></div>'
ANSWERED = "Yes.\n\nOn Monday Bo wrote:\nIs it?"


@pytest.fixture
def answer(storage: FakeStorage) -> FakeStorage:
    """A stored answer whose chain begins at a known place."""
    document = a_document(
        subject="Re: Price",
        html=f"<table><td>{OWN}{QUOTED}</td></table>",
        text=ANSWERED,
        quoted=((6, len(ANSWERED)),),
        html_quote_start=len(f"<table><td>{OWN}"),
    )
    storage.messages.create(TENANT, a_stored_message(), document, a_copy())
    return storage


SHOWN = '<div class="postledger-chain"><div>On Monday Bo wrote:<blockquote>Is it?</blockquote></div></div>'
FOLDED = (
    '<details class="postledger-chain"><summary>•••</summary>'
    "<div>On Monday Bo wrote:<blockquote>Is it?</blockquote></div></details>"
)


def test_the_chain_is_marked_and_nothing_is_cut_out(api: Api, issuer: Issuer, answer: FakeStorage) -> None:
    message = api.get(f"messages/{KEY}", issuer.user("Agent")).json()
    assert message["html"] == f"<table><tbody><tr><td>{OWN}</td></tr></tbody></table>{SHOWN}"
    assert (message["chain_hidden"], message["text"]) == (False, ANSWERED)
    assert message["own_text"] == "Yes."


def test_the_setting_folds_the_chain_and_changes_the_etag(
    api: Api, issuer: Issuer, answer: FakeStorage
) -> None:
    token = issuer.user("Agent")
    before = api.get(f"messages/{KEY}", token).headers["etag"]
    answer.organisations.change(an_organisation(hide_email_chain=True))
    after = api.get(f"messages/{KEY}", token, headers={"If-None-Match": before})
    assert (after.status_code, after.json()["chain_hidden"]) == (200, True)
    assert after.json()["html"].endswith(FOLDED)
    assert after.json()["text"] == ANSWERED


@pytest.mark.parametrize(("setting", "asked", "end"), [(False, "hidden", FOLDED), (True, "shown", SHOWN)])
def test_a_reader_may_ask_otherwise(
    api: Api, issuer: Issuer, answer: FakeStorage, setting: bool, asked: str, end: str
) -> None:
    answer.organisations.change(an_organisation(hide_email_chain=setting))
    message = api.get(f"messages/{KEY}?chain={asked}", issuer.user("Agent")).json()
    assert message["html"].endswith(end)
    assert message["chain_hidden"] is (asked == "hidden")


def test_a_mail_that_opened_a_record_is_whole_whatever_is_asked(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    opened = a_decision(links=(a_link("opportunity/O-1", rule="opened"),))
    document = a_document(subject="Re: Price", text=ANSWERED, quoted=((6, len(ANSWERED)),))
    storage.messages.create(TENANT, a_stored_message(decision=opened), document, a_copy())
    storage.organisations.change(an_organisation(hide_email_chain=True))
    assert api.get(f"messages/{KEY}?chain=hidden", issuer.user("Agent")).json()["chain_hidden"] is False


def test_another_word_for_the_chain_is_refused(api: Api, issuer: Issuer, answer: FakeStorage) -> None:
    refused = api.get(f"messages/{KEY}?chain=cut", issuer.user("Agent"))
    assert (refused.status_code, "chain" in refused.json()["detail"]) == (422, True)


def test_a_mail_without_a_link_opens_only_to_agents_who_hold_a_copy(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    storage.messages.create(TENANT, a_triaged_message(), a_document(attachments=(an_attachment(),)), a_copy())
    storage.attachments.put(TENANT, KEY, "0", iter([b"secret"]))
    stranger = {"preferred_username": "other@contoso.example"}
    for path in (f"messages/{KEY}", f"messages/{KEY}/attachments/0"):
        assert api.get(path, issuer.user("Agent")).status_code == 200
        for token in (
            issuer.user("Agent", **stranger),
            issuer.user("Admin", **stranger),
            issuer.user("Agent", preferred_username=None),
            issuer.app("Service"),
            issuer.app("Agent", "Admin", preferred_username=AGENT),
        ):
            answer = api.get(path, token)
            assert answer.status_code == 404
            assert "secret" not in answer.text


def test_once_the_agent_s_object_id_is_known_the_address_no_longer_counts(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    storage.messages.create(TENANT, a_triaged_message(), a_document(), a_copy())
    rewrite(storage.mailboxes, a_mailbox(), agent_id="somebody-else")
    assert api.get(f"messages/{KEY}", issuer.user("Agent")).status_code == 404
    rewrite(storage.mailboxes, a_mailbox(), agent_id=OID)
    renamed = issuer.user("Agent", preferred_username="married@contoso.example")
    assert api.get(f"messages/{KEY}", renamed).status_code == 200


def test_a_filed_mail_that_is_not_linked_any_more_is_closed(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    stored = a_stored_message(decision=a_decision(disposition=Disposition.FILED, links=()))
    storage.messages.create(TENANT, stored, a_document(), a_copy())
    assert api.get(f"messages/{KEY}", issuer.app("Service")).status_code == 404


def test_bcc_is_for_those_in_whose_mailbox_it_is_visible(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    with_bcc(storage)
    own = api.get(f"messages/{KEY}", issuer.user("Agent")).json()
    assert [one["address"] for one in own["bcc"]] == [SECRET]
    assert [one["id"] for one in own["links"]] == ["C-1", "C-9"]
    others = issuer.user("Agent", preferred_username="other@contoso.example")
    for token in (others, issuer.user("Admin", preferred_username="x@y.example"), issuer.app("Service")):
        answer = api.get(f"messages/{KEY}", token)
        assert answer.status_code == 200
        assert answer.json()["bcc"] == []
        assert [one["id"] for one in answer.json()["links"]] == ["C-1"]
        timeline = api.get("timelines/contact/C-9", token)
        assert timeline.json()["entries"] == []
        assert SECRET not in answer.text + timeline.text
    assert (
        api.get("timelines/contact/C-9", issuer.user("Agent")).json()["entries"][0]["evidence"]
        == f"bcc {SECRET}"
    )


def test_a_colleague_in_bcc_is_not_given_away_by_the_copies(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    other = "22" * 16
    storage.mailboxes.save(a_mailbox(mailbox_id=other, address="quiet@contoso.example"))
    storage.messages.create(TENANT, a_stored_message(), a_document(), a_copy(bcc=("quiet@contoso.example",)))
    storage.messages.add_copy(TENANT, KEY, a_copy(mailbox_id=other, item=an_item("AAkALgAAAAAA-2")))

    def seen_by(address: str) -> list[str]:
        token = issuer.user("Agent", preferred_username=address)
        return [one["mailbox"] for one in api.get(f"messages/{KEY}", token).json()["sightings"]]

    assert seen_by(AGENT) == [AGENT, "quiet@contoso.example"]
    assert seen_by("quiet@contoso.example") == [AGENT, "quiet@contoso.example"]
    assert seen_by("third@contoso.example") == [AGENT]


def test_a_copy_in_a_mailbox_that_is_gone_gives_nobody_access(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    storage.messages.create(TENANT, a_triaged_message(), a_document(), a_copy())
    storage.mailboxes.delete(TENANT, AGENT)
    assert api.get(f"messages/{KEY}", issuer.user("Agent")).status_code == 404


def test_an_attachment_is_handed_out_to_be_saved(api: Api, issuer: Issuer, filed: FakeStorage) -> None:
    answer = api.get(f"messages/{KEY}/attachments/0", issuer.user("Agent"))
    assert answer.content == b"%PDF-1.7"
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"plan.pdf\"; filename*=UTF-8''plan.pdf"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["cache-control"] == "private, no-store"
    image = api.get(f"messages/{KEY}/attachments/1", issuer.user("Agent"))
    assert image.headers["content-disposition"].startswith("inline;")


def test_an_attachment_that_is_not_there_is_a_problem(api: Api, issuer: Issuer, filed: FakeStorage) -> None:
    filed.attachments.rows.clear()
    for number in ("0", "7", "..%2F0", "x" * 65):
        answer = api.get(f"messages/{KEY}/attachments/{number}", issuer.user("Agent"))
        assert answer.status_code in (404, 422)
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("key", ["nothing", "a'b", "a b", "%00", "é", "x" * 64])
def test_a_message_id_that_is_none_is_simply_not_found(api: Api, issuer: Issuer, key: str) -> None:
    assert api.get(f"messages/{key}", issuer.user("Agent")).status_code == 404


def test_an_empty_attachment_is_empty(api: Api, issuer: Issuer, filed: FakeStorage) -> None:
    filed.attachments.put(TENANT, KEY, "0", iter([]))
    assert api.get(f"messages/{KEY}/attachments/0", issuer.user("Agent")).content == b""


def test_copies_of_mailboxes_of_another_organisation_are_nobody_s(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    storage.messages.create(TENANT, a_triaged_message(), a_document(), a_copy(mailbox_id="33" * 16))
    mailbox = replace(a_mailbox(), mailbox_id="33" * 16, tenant_id=OTHER)
    storage.mailboxes.rows[OTHER, "33" * 16] = mailbox
    assert api.get(f"messages/{KEY}", issuer.user("Agent")).status_code == 404


def test_half_a_character_in_a_mail_does_not_close_it(api: Api, issuer: Issuer, storage: FakeStorage) -> None:
    storage.messages.create(TENANT, a_stored_message(), a_document(subject="broken \ud83d"), a_copy())
    answer = api.get(f"messages/{KEY}", issuer.user("Agent"))
    assert (answer.status_code, answer.json()["subject"]) == (200, "broken \ud83d")


def test_a_mail_that_did_not_arrive_says_whom_it_did_not_reach(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    bounced = Bounced("gone@fabrikam.example", "5.1.1", permanent=True, at=NOW, message_key="1e" * 16)
    stored = a_stored_message(bounces=(bounced,), automatic="auto_reply")
    storage.records.put_many(TENANT, [a_record()])
    storage.messages.create(TENANT, stored, a_document(), a_copy())
    storage.timeline.put(TENANT, [an_entry(bounced=("gone@fabrikam.example",), automatic="auto_reply")])
    found = api.get(f"messages/{KEY}", issuer.user("Agent")).json()
    assert found["bounces"] == [
        {
            "address": "gone@fabrikam.example",
            "status": "5.1.1",
            "permanent": True,
            "at": "2026-03-02T09:00:00Z",
            "message_id": "1e" * 16,
        }
    ]
    [entry] = api.get("timelines/contact/C-1", issuer.user("Agent")).json()["entries"]
    for one in (found, entry):
        assert (one["automatic"], one["bounced"]) == ("auto_reply", ["gone@fabrikam.example"])


def of_clients(storage: FakeStorage, **overrides: bool | None) -> None:
    """Two contacts, each of a client with its own wish, and an answer with a chain that is on both."""
    clients = [
        a_record(f"client/{name}", addresses=(), overrides=Overrides(hide_email_chain=overrides.get(name)))
        for name in ("K1", "K2")
    ]
    contacts = [a_record(f"contact/{name}", addresses=(), client=name) for name in ("K1", "K2")]
    storage.records.put_many(TENANT, [*clients, *contacts])
    links = (a_link("contact/K1"), a_link("contact/K2"))
    document = a_document(subject="Re: Price", text=ANSWERED, quoted=((6, len(ANSWERED)),))
    stored = a_stored_message(decision=a_decision(links=links))
    storage.messages.create(TENANT, stored, document, a_copy())


@pytest.mark.parametrize("setting", [True, False])
def test_the_client_of_the_timeline_that_is_read_decides_on_the_chain(
    api: Api, issuer: Issuer, storage: FakeStorage, setting: bool
) -> None:
    of_clients(storage, K1=True, K2=False)
    storage.organisations.change(an_organisation(hide_email_chain=setting))
    token = issuer.user("Agent")

    def hidden(query: str = "") -> object:
        return api.get(f"messages/{KEY}{query}", token).json()["chain_hidden"]

    assert (hidden("?record=contact/K1"), hidden("?record=contact/K2")) == (True, False)
    assert hidden("?record=contact/K1&chain=shown") is False
    # Its clients contradict each other.
    assert hidden() is setting


@pytest.mark.parametrize("said", [True, False])
def test_without_a_timeline_the_client_decides_whom_no_other_contradicts(
    api: Api, issuer: Issuer, storage: FakeStorage, said: bool
) -> None:
    of_clients(storage, K1=said)
    storage.organisations.change(an_organisation(hide_email_chain=not said))
    assert api.get(f"messages/{KEY}", issuer.user("Agent")).json()["chain_hidden"] is said
    other = api.get(f"messages/{KEY}?record=contact/K2", issuer.user("Agent")).json()
    assert other["chain_hidden"] is not said


def test_a_message_is_read_on_no_timeline_that_it_is_not_on(
    api: Api, issuer: Issuer, storage: FakeStorage
) -> None:
    of_clients(storage)
    token = issuer.user("Agent")
    assert api.get(f"messages/{KEY}?record=contact/K3", token).status_code == 404
    assert api.get(f"messages/{KEY}?record=spaceship/K1", token).status_code == 422
