"""Mail on its way out: asked for once, changed by one at a time, and found by its mailbox until it has ended."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from uuid import uuid4

import pytest

from shared.domain.errors import Conflict
from shared.domain.filing.entries import inverted
from shared.domain.mail.codes import Code
from shared.domain.sending import transitions
from shared.domain.sending.outbox import Problem
from shared.domain.sending.pacing import Pace
from shared.domain.sending.states import State
from shared.ports.stores.sending import OutboxFilter
from tests.builders import AGENT, NOW, an_outbox_mail

# More than is kept in a place of the list, however well it is compressed.
LARGE = "".join(sha256(str(number).encode()).hexdigest() for number in range(500))
SIZES = pytest.mark.parametrize("html", ["<p>Short.</p>", LARGE], ids=["small", "large"])


@pytest.fixture
def mail(tenant):
    return a_mail(tenant)


def a_mail(tenant, **changes):
    mail_id = f"{inverted(changes.get('created_at', NOW))}-{uuid4().hex}"
    given = {"id": mail_id, "tenant_id": tenant, "key_hash": uuid4().hex, **changes}
    return transitions.asked_for(an_outbox_mail(**given))


def due(storage, mail, at=NOW):
    return [found.id for found in storage.outbox.due(mail.tenant_id, mail.mailbox_id, at, limit=10).mails]


def place(mail):
    return mail.tenant_id, mail.mailbox_id


def key_of(mail):
    return mail.tenant_id, mail.id


def listed(storage, mail):
    return storage.outbox.due(*place(mail), NOW, limit=10).mails


def too_late(storage, read, standing):
    with pytest.raises(Conflict):
        storage.outbox.save(transitions.failed(NOW, Problem("code", "It."))(read))
    with pytest.raises(Conflict):
        storage.outbox.start(transitions.sending(NOW)(read), Pace())
    assert storage.outbox.get(*key_of(standing)) == replace(standing, untold=False)


class TestOutbox:
    def test_a_mail_comes_back_as_it_was_asked_for(self, storage, mail):
        added = storage.outbox.add(mail)
        assert added.etag
        assert storage.outbox.get(mail.tenant_id, mail.id) == added == replace(mail, etag=added.etag)
        assert storage.outbox.get(mail.tenant_id, "0-0") is None
        assert storage.outbox.of_key(mail.tenant_id, mail.key_hash) == added
        assert storage.outbox.of_key(mail.tenant_id, "another") is None

    def test_one_key_makes_one_mail(self, storage, mail, tenant):
        first = storage.outbox.add(mail)
        assert storage.outbox.add(a_mail(tenant, key_hash=mail.key_hash)) == first
        # A create whose answer was lost meets itself.
        assert storage.outbox.add(mail).id == mail.id
        assert due(storage, mail) == [mail.id]

    def test_of_two_changes_upon_one_reading_one_stands(self, storage, mail):
        added = storage.outbox.add(mail)
        saved = storage.outbox.save(transitions.drafted(NOW, "draft")(added))
        with pytest.raises(Conflict):
            storage.outbox.save(transitions.cancelled(NOW)(added))
        assert storage.outbox.get(mail.tenant_id, mail.id) == saved

    def test_a_mailbox_finds_what_has_not_ended_and_is_due_oldest_first(self, storage, tenant):
        later = storage.outbox.add(a_mail(tenant, created_at=NOW + timedelta(seconds=1)))
        first = storage.outbox.add(a_mail(tenant))
        planned = storage.outbox.add(a_mail(tenant, send_at=NOW + timedelta(days=1)))
        storage.outbox.add(a_mail(tenant, mailbox_id="another"))
        assert due(storage, first) == [first.id, later.id]
        assert set(due(storage, first, NOW + timedelta(days=1))) == {first.id, planned.id, later.id}
        storage.outbox.save(transitions.failed(NOW, Problem("code", "Sentence."))(first))
        assert due(storage, first) == [later.id]

    def test_a_mail_that_waits_is_found_when_its_time_has_come(self, storage, mail):
        added = storage.outbox.add(mail)
        until = NOW + timedelta(minutes=5)
        held = storage.outbox.save(transitions.held(NOW, until, "The mailbox has sent enough.")(added))
        assert due(storage, mail) == []
        assert due(storage, mail, until) == [mail.id]
        storage.outbox.save(transitions.released(until)(held))
        assert due(storage, mail, until) == [mail.id]

    def test_a_mail_that_ended_is_found_again_once_it_is_retried(self, storage, mail):
        added = storage.outbox.add(mail)
        failed = storage.outbox.save(transitions.failed(NOW, Problem("code", "Sentence."))(added))
        assert due(storage, mail) == []
        storage.outbox.save(transitions.retried(NOW, "another tag")(failed))
        assert due(storage, mail) == [mail.id]

    def test_a_mail_of_which_nobody_was_told_is_due_until_that_is_done(self, storage, mail):
        added = storage.outbox.add(mail)
        until = NOW + timedelta(minutes=5)
        held = transitions.held(NOW, until, "The mailbox has sent enough.")(added)
        held = storage.outbox.save(replace(held, untold=True))
        assert [found.untold for found in storage.outbox.due(*place(mail), NOW, limit=10).mails] == [True]
        assert storage.outbox.has_due(*place(mail), NOW)
        [told] = storage.outbox.told([held])
        assert due(storage, mail) == []
        assert due(storage, mail, until) == [mail.id]
        failed = transitions.failed(NOW, Problem("code", "Sentence."))(told)
        ended = storage.outbox.save(replace(failed, untold=True))
        assert due(storage, mail) == [mail.id]
        [over] = storage.outbox.told([ended])
        assert due(storage, mail, until) == []
        assert storage.outbox.get(*key_of(mail)) == over

    def test_who_tells_late_takes_no_mail_from_the_list_that_goes_on_meanwhile(self, storage, mail, tenant):
        other = storage.outbox.save(
            replace(transitions.cancelled(NOW)(storage.outbox.add(a_mail(tenant))), untold=True)
        )
        failed = transitions.failed(NOW, Problem("code", "Sentence."))(storage.outbox.add(mail))
        failed = storage.outbox.save(replace(failed, untold=True))
        storage.outbox.save(transitions.retried(NOW, "another tag")(failed))
        told = storage.outbox.told([failed, other])
        assert [each.id for each in told] == [other.id]
        assert due(storage, mail) == [mail.id]

    @SIZES
    def test_a_mail_that_is_read_from_the_list_is_told_once_and_goes_on(self, storage, tenant, html):
        added = [storage.outbox.add(a_mail(tenant, html=html)) for _ in range(3)]
        held = transitions.held(NOW, NOW, "It waits.")
        failed = transitions.failed(NOW, Problem("code", "Sentence."))
        for mail, transition in zip(added, (held, failed, failed), strict=True):
            storage.outbox.save(replace(transition(mail), untold=True))
        read = listed(storage, added[0])
        assert {mail.id for mail in read if mail.untold} == {mail.id for mail in added}
        retried = storage.outbox.save(transitions.retried(NOW, "tag")(storage.outbox.get(*key_of(added[2]))))
        told = {mail.id: mail for mail in storage.outbox.told(read)}
        assert told.keys() == {added[0].id, added[1].id}
        assert storage.outbox.told(read) == []
        assert {mail.id: mail.untold for mail in listed(storage, retried)} == {
            added[0].id: False,
            retried.id: False,
        }
        for mail in told.values():
            assert storage.outbox.get(*key_of(mail)) == mail
        [begun] = storage.outbox.begin([told[added[0].id]])
        released = storage.outbox.save(transitions.released(NOW)(begun))
        assert storage.outbox.get(*key_of(begun)) == released

    def test_mailboxes_with_mail_that_is_due_are_named_once(self, storage, mail, tenant):
        storage.outbox.add(mail)
        storage.outbox.add(a_mail(tenant))
        storage.outbox.add(a_mail(tenant, mailbox_id="planned", send_at=NOW + timedelta(days=1)))
        storage.outbox.add(a_mail(tenant, mailbox_id="another|one"))
        found = storage.outbox.mailboxes_due(["nobody", tenant], NOW)
        assert sorted(found) == [(tenant, mail.mailbox_id), (tenant, "another|one")]
        assert list(storage.outbox.mailboxes_due(["nobody"], NOW)) == []

    def test_the_mails_of_a_code_are_found_newest_first(self, storage, tenant):
        first = storage.outbox.add(a_mail(tenant))
        later = storage.outbox.add(a_mail(tenant, created_at=NOW + timedelta(minutes=1)))
        storage.outbox.add(a_mail(tenant, code=Code(8, "PL-000008-1234")))
        cancelled = storage.outbox.save(transitions.cancelled(NOW)(first))
        assert storage.outbox.of_code(tenant, 7, limit=5) == [later, cancelled]
        assert storage.outbox.of_code(tenant, 7, limit=1) == [later]
        assert storage.outbox.of_code(tenant, 9, limit=1) == []

    def test_mails_are_listed_newest_first_by_state_and_by_agent(self, storage, tenant):
        mails = [storage.outbox.add(a_mail(tenant, created_at=NOW + timedelta(minutes=n))) for n in range(3)]
        storage.outbox.save(transitions.cancelled(NOW)(mails[1]))
        page, after = storage.outbox.page(tenant, OutboxFilter(), limit=2, after="")
        assert [mail.id for mail in page] == [mails[2].id, mails[1].id]
        page, after = storage.outbox.page(tenant, OutboxFilter(), limit=2, after=after)
        assert ([mail.id for mail in page], after) == ([mails[0].id], "")
        page, _ = storage.outbox.page(tenant, OutboxFilter(State.CANCELLED), limit=9, after="")
        assert [mail.id for mail in page] == [mails[1].id]
        assert storage.outbox.page(tenant, OutboxFilter(agent="x@contoso.example"), limit=9, after="") == (
            [],
            "",
        )
        page, _ = storage.outbox.page(tenant, OutboxFilter(agent=AGENT), limit=9, after="")
        assert len(page) == 3

    def test_what_is_handed_over_is_counted_with_its_row_or_neither(self, storage, mail, tenant):
        added = storage.outbox.add(mail)
        other = storage.outbox.add(a_mail(tenant))
        counted = Pace().counting(mail, NOW)
        started, pace = storage.outbox.start(transitions.sending(NOW)(added), counted)
        assert storage.outbox.get(tenant, mail.id) == started
        found = storage.outbox.due(tenant, mail.mailbox_id, NOW, limit=10)
        assert found.pace == pace == replace(counted, etag=pace.etag)
        # Another worker, who has not seen the first one's count.
        with pytest.raises(Conflict):
            storage.outbox.start(transitions.sending(NOW)(other), counted)
        assert storage.outbox.get(tenant, other.id) == other
        again, _ = storage.outbox.start(transitions.sending(NOW)(other), pace.counting(other, NOW))
        with pytest.raises(Conflict):
            storage.outbox.start(transitions.sending_again(NOW)(again), found.pace)
        assert storage.outbox.get(tenant, other.id) == again
        assert storage.outbox.due(tenant, "another", NOW, limit=10).pace == Pace()

    def test_who_comes_next_reads_that_a_mail_was_begun(self, storage, mail, tenant):
        first, other = storage.outbox.add(mail), storage.outbox.add(a_mail(tenant))
        ended = storage.outbox.add(a_mail(tenant))
        storage.outbox.save(transitions.cancelled(NOW)(ended))
        assert [begun.id for begun in storage.outbox.begin([first, ended])] == [first.id]
        found = storage.outbox.due(tenant, mail.mailbox_id, NOW, limit=10).mails
        assert {one.id: one.begun for one in found} == {first.id: True, other.id: False}
        # A row that is saved as it was read keeps that; the others' list is not touched.
        held = transitions.held(NOW, NOW, "It waits.")
        for one in found:
            storage.outbox.save(held(one))
        found = storage.outbox.due(tenant, mail.mailbox_id, NOW, limit=10).mails
        assert {one.id: one.begun for one in found} == {first.id: True, other.id: False}

    @SIZES
    def test_of_a_mail_that_was_read_from_the_list_one_change_stands(self, storage, tenant, html):
        mail = storage.outbox.add(a_mail(tenant, html=html))
        [read] = listed(storage, mail)
        assert replace(read, etag=mail.etag) == mail
        drafted = storage.outbox.save(transitions.drafted(NOW, "draft")(read))
        assert storage.outbox.get(tenant, mail.id) == drafted
        for stale in (read, mail):
            with pytest.raises(Conflict):
                storage.outbox.save(transitions.cancelled(NOW)(stale))
            with pytest.raises(Conflict):
                storage.outbox.start(transitions.sending(NOW)(stale), Pace())
        assert storage.outbox.get(tenant, mail.id) == drafted
        [again] = listed(storage, mail)
        assert replace(again, etag=drafted.etag) == drafted

    @SIZES
    @pytest.mark.parametrize("untold", [False, True])
    def test_who_read_the_list_is_too_late_for_a_mail_that_has_ended_meanwhile(
        self, storage, tenant, html, untold
    ):
        mail = storage.outbox.add(a_mail(tenant, html=html))
        [read] = listed(storage, mail)
        cancelled = storage.outbox.save(replace(transitions.cancelled(NOW)(mail), untold=untold))
        assert storage.outbox.begin([read]) == []
        too_late(storage, read, cancelled)
        assert due(storage, mail) == [mail.id] * untold
        # In a list again, but not as it was read.
        too_late(storage, read, storage.outbox.save(transitions.retried(NOW, "another tag")(cancelled)))
        assert due(storage, mail) == [mail.id]

    def test_a_mail_that_is_begun_is_saved_as_it_was_read(self, storage, tenant):
        mails = [storage.outbox.add(a_mail(tenant, html=html)) for html in ("<p>Short.</p>", LARGE)]
        changed = storage.outbox.add(a_mail(tenant))
        read = listed(storage, changed)
        storage.outbox.save(transitions.held(NOW, NOW, "It waits.")(changed))
        begun = storage.outbox.begin(read)
        assert {mail.id: mail.begun for mail in begun} == {mail.id: False for mail in mails}
        for mail in begun:
            storage.outbox.save(transitions.drafted(NOW, "draft")(mail))

    def test_a_mail_that_grows_or_shrinks_is_read_whole(self, storage, tenant):
        mail = storage.outbox.add(a_mail(tenant))
        for html in (LARGE, "<p>Short again.</p>"):
            mail = storage.outbox.save(replace(mail, html=html))
            [read] = listed(storage, mail)
            assert replace(read, etag=mail.etag) == mail

    def test_a_pace_alone_makes_nothing_due(self, storage, mail, tenant):
        added = storage.outbox.add(mail)
        started, _ = storage.outbox.start(transitions.sending(NOW)(added), Pace().counting(mail, NOW))
        assert storage.outbox.has_due(tenant, mail.mailbox_id, NOW)
        storage.outbox.save(transitions.confirmed(NOW)(started))
        assert not storage.outbox.has_due(tenant, mail.mailbox_id, NOW)
        assert due(storage, mail) == []
        assert list(storage.outbox.mailboxes_due([tenant], NOW)) == []

    def test_what_happens_to_a_mail_after_its_end_is_kept(self, storage, mail):
        failed = storage.outbox.save(
            transitions.failed(NOW, Problem("code", "It."))(storage.outbox.add(mail))
        )
        confirmed = storage.outbox.save(transitions.confirmed(NOW)(failed))
        bounced = storage.outbox.save(transitions.bounced(NOW, ("a@b.example",), "It came back.")(confirmed))
        assert storage.outbox.get(mail.tenant_id, mail.id) == bounced
        with pytest.raises(Conflict):
            storage.outbox.save(transitions.retried(NOW, "tag")(failed))


def test_a_place_in_the_list_whose_mail_is_not_there_any_more_goes(azure, tenant):
    """As behind an erasure."""
    mail = azure.outbox.add(a_mail(tenant, html=LARGE))
    azure.outbox._mails.delete(tenant, mail.id)
    assert azure.outbox.has_due(tenant, mail.mailbox_id, NOW)
    assert due(azure, mail) == []
    assert not azure.outbox.has_due(tenant, mail.mailbox_id, NOW)


@pytest.mark.parametrize("change", [transitions.drafted(NOW, "draft"), transitions.cancelled(NOW)])
def test_a_small_mail_that_stands_in_its_place_alone_is_not_gone_on_with(azure, tenant, change):
    mail = azure.outbox.add(a_mail(tenant))
    [read] = listed(azure, mail)
    azure.outbox._mails.delete(tenant, mail.id)
    with pytest.raises(Conflict):
        azure.outbox.save(change(read))
    assert azure.outbox.get(*key_of(mail)) is None
    assert not azure.outbox.has_due(tenant, mail.mailbox_id, NOW)


def test_a_step_of_a_mail_is_one_request(azure, tenant, cost):
    mail = a_mail(tenant)
    assert cost(azure.outbox.add, mail) == 1
    added = azure.outbox.get(tenant, mail.id)
    assert cost(azure.outbox.due, tenant, mail.mailbox_id, NOW, limit=10) == 1
    assert cost(azure.outbox.start, transitions.sending(NOW)(added), Pace().counting(mail, NOW)) == 1
    started = azure.outbox.get(tenant, mail.id)
    assert cost(azure.outbox.save, transitions.confirmed(NOW)(started)) == 1
