"""What every `ports.MessageStore` must do."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.errors import Conflict
from shared.domain.filing.filing import DONE, Bounced
from shared.domain.filing.person_decisions import LINK, OPEN, PersonDecision
from shared.domain.filing.shown import Shown
from shared.domain.mail.identity import variant_key
from shared.domain.mail.messages import Direction
from shared.domain.matching.decisions import Disposition
from shared.domain.matching.evidence import BCC, Evidence
from shared.ports.stores.filing import NewMail
from shared.services.conflicts import persistently
from shared.services.filing.change_message import ChangeMessage
from tests.builders import (
    KEY,
    NOW,
    a_copy,
    a_decision,
    a_dependent,
    a_document,
    a_link,
    a_ref,
    a_stored_message,
    a_triaged_message,
    an_attachment,
    an_item,
)
from tests.composed import use_cases_over

LATER = NOW + timedelta(hours=1)


def create(storage, tenant, message=None, document=None, copy=None):
    return storage.messages.create(
        tenant, message or a_stored_message(), document or a_document(), copy or a_copy()
    )


def finish(storage, tenant, message):
    """Mark a message done once all rows of `message` stand."""
    change = use_cases_over(storage).part(ChangeMessage)
    return change(tenant, message.key, lambda row: row.finished(message), known=message)


def dependents(storage, tenant, key=KEY):
    return set(storage.messages.dependents(tenant, key))


def leave_word(storage, tenant, method, message):
    if method == "wait_for":
        return storage.messages.wait_for(tenant, message.key, a_dependent())
    return storage.messages.depend_on(tenant, message.as_thread_hit("id"), a_dependent())


def counted(stored):
    return replace(stored, variants=stored.variants + 1)


class TestScan:
    def test_pages_show_every_message_once_in_order_of_keys(self, storage, tenant):
        starts = ("0a", "0b", "3f", "40", "7f", "80", "bf", "c0", "ff")
        keys = ["0a" * 16 + "v1", *(start * 16 for start in starts)]
        for key in reversed(keys):
            create(storage, tenant, a_stored_message(key=key))
        found, after, pages = [], "", 0
        while True:
            page, after = storage.messages.scan(tenant, limit=2, after=after)
            found += [message.key for message in page]
            pages += 1
            if not after:
                break
        assert (found, pages) == (sorted(keys), 5)

    @pytest.mark.parametrize("key", ["", "Z", "~", " ", "zz", "ü"])
    def test_a_key_that_is_none_finds_nothing(self, storage, tenant, key):
        create(storage, tenant)
        assert storage.messages.get(tenant, key) is None

    def test_copies_awaited_mails_and_other_organisations_are_no_messages(self, storage, tenant):
        create(storage, tenant)
        storage.messages.wait_for(tenant, "0c" * 16, a_dependent())
        create(storage, tenant[:-1] + "x", a_stored_message(key="0d" * 16))
        page, after = storage.messages.scan(tenant, limit=10, after="")
        assert ([one.key for one in page], after) == ([KEY], "")


def noise(size):
    """Text that does not compress."""
    return random.Random(size).randbytes(size // 2).hex()


class TestMessageStore:
    def test_a_message_comes_back_as_it_was_created(self, storage, tenant):
        document = a_document(
            attachments=(an_attachment(),),
            quoted=((3, 9), (12, 20)),
            html_quote_start=4,
            subject="Ümläut \ud800",
        )
        claim = create(storage, tenant, document=document, copy=a_copy(bcc=("hidden@contoso.example",)))
        assert claim.created
        assert storage.messages.get(tenant, KEY) == claim.message
        assert replace(claim.message, etag="") == a_stored_message()
        assert storage.messages.document(tenant, KEY) == document
        assert storage.messages.copies(tenant, KEY) == [a_copy(bcc=("hidden@contoso.example",))]

    def test_what_is_not_there_is_none(self, storage, tenant):
        assert storage.messages.get(tenant, KEY) is None
        assert storage.messages.document(tenant, KEY) is None
        assert storage.messages.copies(tenant, KEY) == []

    @pytest.mark.parametrize("size", [40_000, 200_000, 6_000_000])
    def test_a_document_of_any_size_comes_back(self, storage, tenant, size):
        document = a_document(html=noise(size))
        create(storage, tenant, document=document)
        assert storage.messages.document(tenant, KEY) == document

    def test_who_loses_the_insert_gets_what_stands_there(self, storage, tenant):
        first = create(storage, tenant)
        second = create(storage, tenant, a_triaged_message(at=NOW), copy=a_copy(item=an_item("other")))
        assert not second.created
        assert second.message == first.message
        assert storage.messages.copies(tenant, KEY) == [a_copy()]

    def test_the_loser_does_not_touch_a_large_document(self, storage, tenant):
        document = a_document(html=noise(200_000))
        create(storage, tenant, document=document)
        create(storage, tenant, document=a_document(html=noise(210_000)))
        create(storage, tenant, document=document)
        assert storage.messages.document(tenant, KEY) == document

    def test_copies_are_kept_once_each(self, storage, tenant):
        create(storage, tenant)
        storage.messages.add_copy(tenant, KEY, a_copy(folder_id="moved"))
        storage.messages.add_copy(tenant, KEY, a_copy(mailbox_id="ef" * 16, item=an_item("other")))
        found = {(one.mailbox_id, one.folder_id) for one in storage.messages.copies(tenant, KEY)}
        assert found == {(a_copy().mailbox_id, "moved"), ("ef" * 16, "inbox-folder")}

    def test_what_persons_did_comes_back(self, storage, tenant):
        message = create(storage, tenant).message
        before = a_decision(disposition=Disposition.TRIAGE, reason="no_match")
        decision = PersonDecision(
            LINK, "a-person", NOW, before, links=(a_link(as_note=True),), taught="x@fabrikam.example"
        )
        updated = storage.messages.save(
            tenant,
            replace(
                message,
                decided=decision,
                undone=replace(decision, what=OPEN),
                unlinked=frozenset({a_ref()}),
                before=Shown(frozenset({a_ref("client/K-1")}), told=frozenset({a_ref()})),
                change_ids=("1", "2"),
            ),
        )
        assert storage.messages.get(tenant, KEY) == updated
        assert updated.decided == decision

    def test_an_update_keeps_the_document(self, storage, tenant):
        message = create(storage, tenant).message
        decision = a_decision("contact/C-1", "client/K-1")
        updated = storage.messages.save(tenant, replace(message, decision=decision, variants=2, kind="reply"))
        assert storage.messages.get(tenant, KEY) == updated
        assert updated.decision == decision
        assert storage.messages.document(tenant, KEY) == a_document()

    def test_a_stale_update_is_refused(self, storage, tenant):
        message = create(storage, tenant).message
        storage.messages.save(tenant, replace(message, variants=1))
        for stale in (message, replace(message, etag="")):
            with pytest.raises(Conflict):
                storage.messages.save(tenant, replace(stale, variants=5))
        assert storage.messages.get(tenant, KEY).variants == 1

    def test_finishing_is_possible_more_than_once_with_the_same_decision(self, storage, tenant):
        message = create(storage, tenant).message
        finish(storage, tenant, message)
        finish(storage, tenant, message)
        assert replace(storage.messages.get(tenant, KEY), etag="") == replace(message, state=DONE, etag="")

    def test_who_finishes_an_outdated_decision_leaves_word_of_it(self, storage, tenant):
        message = create(storage, tenant).message
        other = a_decision("client/K-1")
        storage.messages.save(tenant, replace(message, decision=other))
        assert finish(storage, tenant, message).state == "pending"
        stored = storage.messages.get(tenant, KEY)
        assert (stored.state, stored.decision) == ("pending", other)
        assert stored.before.refs == {a_ref("contact/C-1"), a_ref("client/K-1")}

    def test_find_tells_links_direction_and_people_but_not_what_is_absent(self, storage, tenant):
        message = a_stored_message(direction=Direction.OUT, participants=frozenset({"a@x.example"}))
        message = create(storage, tenant, message).message
        found = storage.messages.find(tenant, {KEY: "first@fabrikam.example", "ff" * 16: "unknown"})
        hit = replace(message.as_thread_hit("first@fabrikam.example"), text=a_document().text)
        assert found == {KEY: (hit,)}
        assert found[KEY][0].links == (a_ref(),)

    def test_find_brings_variants_along(self, storage, tenant):
        first = create(storage, tenant).message
        other = variant_key(KEY, 1)
        create(storage, tenant, a_stored_message(key=other, decision=a_decision("client/K-1")))
        storage.messages.save(tenant, replace(first, variants=1))
        (hits,) = storage.messages.find(tenant, {KEY: "id"}).values()
        assert [(one.key, one.evidence) for one in hits] == [(KEY, "id"), (other, "id")]
        assert [len(storage.messages.copies(tenant, one)) for one in (KEY, other)] == [1, 1]


class TestDependents:
    def test_the_mail_finds_who_waits_for_it(self, storage, tenant):
        for number in (1, 2, 1):
            assert storage.messages.wait_for(tenant, KEY, a_dependent(number)) is None
        assert storage.messages.get(tenant, KEY) is None
        assert storage.messages.document(tenant, KEY) is None
        assert storage.messages.find(tenant, {KEY: "id"}) == {}
        assert storage.messages.is_awaited(tenant, KEY)
        claim = create(storage, tenant)
        assert claim.created
        assert claim.message.has_dependents
        assert dependents(storage, tenant) == {a_dependent(1), a_dependent(2)}
        assert storage.messages.get(tenant, KEY) == claim.message
        assert storage.messages.document(tenant, KEY) == a_document()

    def test_a_copy_that_is_kept_by_now_says_so(self, storage, tenant):
        storage.messages.wait_for(tenant, KEY, a_dependent())
        storage.messages.wait_for(tenant, KEY, a_dependent(message_key="ff" * 16))
        create(storage, tenant)
        assert dependents(storage, tenant) == {a_dependent(message_key="ff" * 16)}

    def test_a_filed_mail_is_answered_as_it_stands_and_knows_who_depends_on_it(self, storage, tenant):
        message = create(storage, tenant).message
        assert not message.has_dependents
        stored = storage.messages.wait_for(tenant, KEY, a_dependent())
        assert stored == storage.messages.get(tenant, KEY)
        assert replace(stored, etag="") == replace(message, has_dependents=True, etag="")
        assert dependents(storage, tenant) == {a_dependent()}
        assert storage.messages.copies(tenant, KEY) == [a_copy()]

    @pytest.mark.parametrize("method", ["wait_for", "depend_on"])
    def test_nobody_who_has_read_it_before_misses_that_there_is_a_dependent(self, storage, tenant, method):
        message = create(storage, tenant).message
        leave_word(storage, tenant, method, message)
        with pytest.raises(Conflict):
            storage.messages.save(tenant, message)

    def test_a_hit_that_nobody_has_changed_since_it_was_read_stays(self, storage, tenant):
        create(storage, tenant)
        [[hit]] = storage.messages.find(tenant, {KEY: "id"}).values()
        assert storage.messages.depend_on(tenant, hit, a_dependent()) == hit
        assert storage.messages.get(tenant, KEY).has_dependents
        assert dependents(storage, tenant) == {a_dependent()}

    def test_a_hit_that_was_changed_since_is_as_the_mail_stands_now_and_keeps_its_text(self, storage, tenant):
        message = create(storage, tenant).message
        [[hit]] = storage.messages.find(tenant, {KEY: "id"}).values()
        hidden = replace(a_link("client/K-1"), evidence=Evidence(BCC, "hidden@contoso.example"))
        decision = replace(a_decision("contact/C-2"), links=(a_link("contact/C-2"), hidden))
        changed = storage.messages.save(tenant, replace(message, decision=decision))
        fresh = storage.messages.depend_on(tenant, hit, a_dependent())
        assert (fresh.links, fresh.lent) == (
            (a_ref("contact/C-2"), a_ref("client/K-1")),
            (a_ref("contact/C-2"),),
        )
        assert (fresh.text, fresh.evidence) == (hit.text, "id")
        assert replace(storage.messages.get(tenant, KEY), etag="") == replace(
            changed, has_dependents=True, etag=""
        )

    def test_a_hit_whose_mail_is_not_filed_any_more_lends_nothing(self, storage, tenant):
        message = create(storage, tenant).message
        hit = message.as_thread_hit("id")
        nowhere = a_decision(disposition=Disposition.TRIAGE, reason="no_match")
        storage.messages.save(tenant, replace(message, decision=nowhere))
        assert storage.messages.depend_on(tenant, hit, a_dependent()).links == ()
        assert dependents(storage, tenant) == {a_dependent()}

    def test_a_mail_that_is_thought_to_be_there_may_be_awaited(self, storage, tenant):
        hit = a_stored_message(etag='W/"gone"').as_thread_hit("id")
        assert storage.messages.depend_on(tenant, hit, a_dependent()).links == ()
        assert storage.messages.is_awaited(tenant, KEY)

    def test_words_and_changes_of_a_mail_that_come_at_once_all_take_place(self, storage, tenant):
        hit = create(storage, tenant).message.as_thread_hit("id")
        change = use_cases_over(storage).part(ChangeMessage)

        def step(number):
            if number % 3 == 0:
                persistently(lambda: change(tenant, KEY, counted))
            elif number % 3 == 1:
                storage.messages.wait_for(tenant, KEY, a_dependent(number))
            else:
                storage.messages.depend_on(tenant, hit, a_dependent(number))

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(step, range(12)))
        stored = storage.messages.get(tenant, KEY)
        assert (stored.variants, stored.has_dependents) == (4, True)
        assert dependents(storage, tenant) == {a_dependent(number) for number in range(12) if number % 3}

    def test_a_mail_in_triage_keeps_them_until_it_is_filed_and_behind_that(self, storage, tenant):
        message = create(storage, tenant, a_triaged_message()).message
        assert storage.messages.wait_for(tenant, KEY, a_dependent()) is None
        finish(storage, tenant, message)
        stored = storage.messages.get(tenant, KEY)
        assert (stored.state, stored.has_dependents) == (DONE, True)
        filed = storage.messages.save(tenant, replace(stored, decision=a_decision()))
        finish(storage, tenant, filed)
        assert storage.messages.get(tenant, KEY).has_dependents
        assert dependents(storage, tenant) == {a_dependent()}

    def test_a_tombstone_has_none(self, storage, tenant):
        message = create(storage, tenant).message
        storage.messages.wait_for(tenant, variant_key(KEY, 1), a_dependent(2))
        stored = storage.messages.wait_for(tenant, KEY, a_dependent())
        storage.messages.bury(tenant, replace(stored, state="deleted", has_dependents=False))
        assert message.key == stored.key
        assert dependents(storage, tenant) == set()
        assert dependents(storage, tenant, variant_key(KEY, 1)) == {a_dependent(2)}

    def test_nobody_is_forgotten_when_all_come_at_once(self, storage, tenant):
        numbers = range(4)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda one: storage.messages.wait_for(tenant, KEY, a_dependent(one)), numbers))
        assert create(storage, tenant).message.has_dependents
        assert dependents(storage, tenant) == {a_dependent(one) for one in numbers}

    def test_one_of_many_inserts_at_once_creates(self, storage, tenant):
        with ThreadPoolExecutor(4) as pool:
            claims = list(
                pool.map(lambda one: create(storage, tenant, copy=a_copy(item=an_item(str(one)))), range(4))
            )
        assert sorted(one.created for one in claims) == [False, False, False, True]
        assert len({one.message.etag for one in claims}) == 1


def test_links_carry_all_their_evidence(storage, tenant):
    link = a_link(
        "opportunity/O-1", rule="thread", evidence="parent@x.example", score=90, closed=True, by="a"
    )
    message = a_stored_message(decision=replace(a_decision(), links=(link,), suggestions=(link,)))
    create(storage, tenant, message)
    assert storage.messages.get(tenant, KEY).decision == message.decision


class TestNames:
    """A Message-ID that a relay gave to a mail leads to it."""

    NAME = "ee" * 16

    def test_a_mail_is_found_by_both_of_its_ids(self, storage, tenant):
        stored = create(storage, tenant).message
        assert storage.messages.note_name(tenant, self.NAME, KEY, ()) == frozenset()
        assert storage.messages.note_name(tenant, self.NAME, KEY, ()) == frozenset()
        assert storage.messages.get(tenant, self.NAME) == stored
        assert not storage.messages.is_awaited(tenant, self.NAME)
        found = storage.messages.find(tenant, {self.NAME: "other@relay.example", "aa" * 16: "absent"})
        assert [(hit.key, hit.evidence) for hit in found[self.NAME]] == [(KEY, "other@relay.example")]
        assert found[self.NAME][0].text == storage.messages.document(tenant, KEY).text
        assert list(found) == [self.NAME]

    def test_other_mails_under_its_own_id_are_found_as_well(self, storage, tenant):
        create(storage, tenant, a_stored_message(variants=1))
        create(storage, tenant, a_stored_message(key=variant_key(KEY, 1)))
        storage.messages.note_name(tenant, self.NAME, KEY, ())
        [hits] = storage.messages.find(tenant, {self.NAME: "other@relay.example"}).values()
        assert [hit.key for hit in hits] == [KEY, variant_key(KEY, 1)]

    def test_a_copy_under_the_other_id_is_the_same_mail(self, storage, tenant):
        stored = create(storage, tenant).message
        storage.messages.note_name(tenant, self.NAME, KEY, ())
        claim = create(storage, tenant, a_stored_message(key=self.NAME))
        assert (claim.created, claim.message) == (False, stored)

    def test_who_waits_under_the_name_is_told_before_it_is_noted(self, storage, tenant):
        create(storage, tenant)
        storage.messages.wait_for(tenant, self.NAME, a_dependent())
        assert storage.messages.note_name(tenant, self.NAME, KEY, ()) == {a_dependent()}
        assert storage.messages.is_awaited(tenant, self.NAME)
        assert storage.messages.note_name(tenant, self.NAME, KEY, {a_dependent()}) == frozenset()
        assert storage.messages.get(tenant, self.NAME).key == KEY

    def test_who_waits_under_it_from_then_on_waits_beside_the_mail(self, storage, tenant):
        create(storage, tenant)
        storage.messages.note_name(tenant, self.NAME, KEY, ())
        assert storage.messages.wait_for(tenant, self.NAME, a_dependent()).key == KEY
        assert dependents(storage, tenant) == {a_dependent()}
        assert storage.messages.get(tenant, KEY).has_dependents

    def test_a_mail_that_has_the_id_itself_keeps_it(self, storage, tenant):
        create(storage, tenant)
        other = create(storage, tenant, a_stored_message(key=self.NAME)).message
        assert storage.messages.note_name(tenant, self.NAME, KEY, ()) == frozenset()
        assert storage.messages.get(tenant, self.NAME) == other

    def test_a_name_is_no_message_of_its_own(self, storage, tenant):
        create(storage, tenant)
        storage.messages.note_name(tenant, self.NAME, KEY, ())
        found, after = storage.messages.scan(tenant, limit=10, after="")
        assert ([message.key for message in found], after) == ([KEY], "")


class TestConversations:
    def test_mails_of_a_conversation_are_found_newest_first(self, storage, tenant):
        for number in range(7):
            key, at = f"{number}f" * 16, NOW + timedelta(minutes=number)
            message = a_stored_message(key=key, at=at, conversation=KEY)
            create(storage, tenant, message)
            storage.messages.note_conversation(tenant, message)
            storage.messages.note_conversation(tenant, message)
        found = storage.messages.of_conversation(tenant, KEY, until=LATER, apart_from=())
        assert {one.key for one in found} == {f"{number}f" * 16 for number in range(2, 7)}
        minute = NOW + timedelta(minutes=1)
        earlier = storage.messages.of_conversation(tenant, KEY, until=minute, apart_from=())
        assert {one.key for one in earlier} == {"0f" * 16, "1f" * 16}
        others = storage.messages.of_conversation(tenant, KEY, until=LATER, apart_from=("6f" * 16,))
        assert {one.key for one in others} == {f"{number}f" * 16 for number in range(1, 6)}
        assert {one.evidence for one in found} == {"conversation"}
        assert found[0].links == (a_ref("contact/C-1"),)
        assert storage.messages.of_conversation(tenant, KEY[:-1] + "0", until=LATER, apart_from=()) == ()

    def test_a_mail_that_is_not_there_any_more_is_not_found_by_its_conversation(self, storage, tenant):
        storage.messages.note_conversation(tenant, a_stored_message(conversation=KEY))
        assert storage.messages.of_conversation(tenant, KEY, until=LATER, apart_from=()) == ()

    def test_a_thread_is_read_oldest_first_page_by_page_over_all_buckets(self, storage, tenant):
        mails = [
            a_stored_message(key=f"{number:x}f" * 16, at=NOW + timedelta(minutes=-number), thread=KEY)
            for number in range(16)
        ]
        together = [
            NewMail(mail, a_document(subject=mail.key), a_copy(item=an_item(mail.key))) for mail in mails[8:]
        ]
        assert len(storage.messages.create_together(tenant, together)) == 8
        for mail in (*mails[:8], a_stored_message(thread=KEY[:-1] + "0")):
            create(storage, tenant, mail)
        storage.messages.note_thread(tenant, mails[0])
        found, after = [], ""
        for size in (3, 3, 10):
            page, after = storage.messages.of_thread(tenant, KEY, limit=size, after=after)
            assert len(page) == size
            found += page
        assert ([place.key for place in found], after) == ([mail.key for mail in reversed(mails)], "")

    def test_a_deleted_mail_leaves_its_thread(self, storage, tenant):
        stored = create(storage, tenant, a_stored_message(thread=KEY)).message
        storage.messages.bury(tenant, replace(stored, thread=""))
        assert storage.messages.of_thread(tenant, KEY, limit=5, after="") == ([], "")

    def test_messages_come_with_their_documents_and_without_those_that_have_none(self, storage, tenant):
        large = a_document(text=random.Random(1).randbytes(99_000).hex())
        stored = create(storage, tenant).message
        other = create(storage, tenant, a_stored_message(key="2" * 32), large).message
        storage.messages.wait_for(tenant, "3" * 32, a_dependent())
        keys = [KEY, "2" * 32, "3" * 32, "4" * 32]
        assert storage.messages.with_documents(tenant, keys) == {
            KEY: (stored, a_document()),
            "2" * 32: (other, large),
        }

    def test_bounces_come_back_and_finishing_keeps_them(self, storage, tenant):
        claim = create(storage, tenant)
        bounced = Bounced("gone@fabrikam.example", "5.1.1", permanent=True, at=NOW, message_key=KEY)
        noted = storage.messages.save(tenant, replace(claim.message, bounces=(bounced,)))
        finish(storage, tenant, noted)
        assert storage.messages.get(tenant, KEY).bounces == (bounced,)
