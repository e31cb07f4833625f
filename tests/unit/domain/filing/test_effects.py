"""Effects of a decision: what a state of a mail wants written, after all that may have been shown before."""

from dataclasses import replace
from typing import Any

from shared.domain.events.events import Announce
from shared.domain.filing import consequences, effects
from shared.domain.filing.consequences import About, Surroundings
from shared.domain.filing.effects import (
    CloseRecord,
    Effect,
    Learn,
    NoteBounce,
    OpenWanted,
    PutConversation,
    PutEntry,
    PutInboxRow,
    RemoveEntry,
    RemoveInboxRow,
    TellDependents,
    Unlearn,
)
from shared.domain.filing.filing import DONE, StoredMessage
from shared.domain.filing.person_decisions import OPEN, PersonDecision
from shared.domain.filing.shown import NOTHING, Shown
from shared.domain.matching.evidence import Evidence
from shared.domain.records.records import RecordRef
from tests.builders import (
    AGENT,
    KEY,
    NOW,
    a_decision,
    a_document,
    a_link,
    a_mailbox,
    a_record,
    a_ref,
    a_stored_message,
    a_triaged_message,
)

C1, C2, K1 = a_ref("contact/C-1"), a_ref("contact/C-2"), a_ref("client/K-1")
AROUND = Surroundings(a_document(), (a_mailbox(),))


def shown(*refs: RecordRef, certain: tuple[RecordRef, ...] = ()) -> Shown:
    return Shown(frozenset(refs), frozenset(certain), frozenset(refs))


def every(before: Shown, after: StoredMessage, around: Surroundings = AROUND) -> list[Effect]:
    """In the order in which services write them."""
    return [*consequences.shown(before, after, around), *consequences.told(before, after)]


def of(kind: Any, before: Shown, after: StoredMessage, around: Surroundings = AROUND) -> list[Any]:
    return [effect for effect in every(before, after, around) if isinstance(effect, kind)]


def filed_on(*refs: RecordRef, **changes: Any) -> StoredMessage:
    return a_stored_message(decision=a_decision(*map(str, refs)), **changes)


def test_entries_stand_where_it_leads_and_nowhere_else_that_it_may_ever_have_led() -> None:
    after = filed_on(C1, K1, unlinked=frozenset({a_ref("project/P-1")}))
    assert {effect.entry.link.ref for effect in of(PutEntry, shown(C1, C2), after)} == {C1, K1}
    assert [str(effect.ref) for effect in of(RemoveEntry, shown(C1, C2), after)] == [
        "contact/C-2",
        "project/P-1",
    ]


def test_what_was_just_inserted_has_nothing_to_be_taken_away() -> None:
    first = replace(AROUND, is_first=True)
    assert of((RemoveEntry, RemoveInboxRow), NOTHING, filed_on(C1), first) == []
    assert [effect.agent for effect in of(RemoveInboxRow, NOTHING, filed_on(C1))] == [AGENT]
    assert [effect.item.agent for effect in of(PutInboxRow, NOTHING, a_triaged_message(), first)] == [AGENT]


def test_dependents_hear_of_what_is_not_certain_and_of_what_may_have_been_told() -> None:
    [told] = of(TellDependents, shown(C1, C2, certain=(C1,)), filed_on(C1, K1))
    assert (told.gained, told.lost) == ({K1}, {C2})
    assert of(TellDependents, shown(C1, certain=(C1,)), filed_on(C1)) == []


def test_a_record_that_was_lost_and_is_back_before_that_was_carried_out_is_told_again() -> None:
    before = Shown.of(frozenset({C1}), frozenset({C1}), "").and_maybe(frozenset(), frozenset(), "")
    [told] = of(TellDependents, before, filed_on(C1))
    assert (told.gained, told.lost) == ({C1}, set())


def test_a_record_to_which_only_a_bcc_led_is_told_of_once_a_person_says_so() -> None:
    blind = replace(a_link("contact/C-1"), evidence=Evidence("bcc", "x@adatum.example"))
    hidden = a_stored_message(decision=replace(a_decision(), links=(blind,)))
    assert of(TellDependents, NOTHING, hidden) == []
    [told] = of(TellDependents, hidden.shown.and_maybe(hidden.refs, hidden.lent, hidden.thread), filed_on(C1))
    assert (told.gained, told.lost) == ({C1}, set())
    # Taken back before anybody can know whether it has been told.
    [told] = of(TellDependents, filed_on(C1).and_maybe_shown, hidden)
    assert (told.gained, told.lost) == (set(), {C1})


def test_what_an_undone_decision_taught_and_opened_is_taken_back() -> None:
    opened = a_record("project/P-1")
    decision = PersonDecision(
        OPEN, "ann", NOW, a_decision(), (a_link("project/P-1"),), taught="x@adatum.example", opens=opened
    )
    made, taken_back = (
        filed_on(C1, decided=decision),
        filed_on(C1, undone=replace(decision, thread=("f" * 32,))),
    )
    assert of((OpenWanted, Learn), NOTHING, made) == [
        OpenWanted(opened),
        Learn("x@adatum.example", decision.refs),
    ]
    assert of((Unlearn, CloseRecord), NOTHING, taken_back) == [
        Unlearn("x@adatum.example", decision.refs),
        CloseRecord(opened.ref, frozenset({KEY, "f" * 32})),
    ]


def test_a_tombstone_leaves_nothing_and_tells_nobody() -> None:
    after = a_triaged_message(state="deleted", agent="left@contoso.example")
    found = every(shown(C1), after, replace(AROUND, document=None))
    kinds = [RemoveEntry, RemoveInboxRow, RemoveInboxRow, Announce, Announce]
    assert [type(effect) for effect in found] == kinds
    assert {effect.agent for effect in found[1:3]} == {AGENT, "left@contoso.example"}  # type: ignore[union-attr]


def test_records_are_opened_before_entries_and_dependents_told_behind_all_that_readers_see() -> None:
    decision = PersonDecision(OPEN, "ann", NOW, a_decision(), (a_link("contact/C-1"),), opens=a_record())
    after = filed_on(C1, decided=decision, conversation=KEY)
    kinds = [type(effect) for effect in every(shown(C2), after)]
    seen = [OpenWanted, PutEntry, RemoveEntry, RemoveInboxRow]
    # Of the record, its entry, the entry that goes, and My Inbox.
    told = [Announce, Announce, Announce, Announce]
    assert kinds == [*seen, *told, PutConversation, TellDependents]


def test_effects_of_several_mails_are_written_by_kind_each_mails_own_in_their_order() -> None:
    sent = filed_on(C1, C2, key="1" * 32)
    waiting = a_triaged_message(key="2" * 32, unlinked=frozenset({K1}))
    mails = [consequences.shown(NOTHING, message, AROUND) for message in (waiting, sent)]
    together = effects.together(mails)
    assert [type(effect) for effect in together] == [
        PutEntry,
        PutEntry,
        RemoveEntry,
        PutInboxRow,
        RemoveInboxRow,
        *[Announce] * 5,
    ]
    assert sorted(map(repr, together)) == sorted(repr(effect) for mail in mails for effect in mail)


def test_a_mail_that_was_just_inserted_is_in_its_conversation() -> None:
    after = filed_on(C1, conversation="c" * 32)
    assert of(PutConversation, NOTHING, after) == [PutConversation(after)]
    assert [type(effect) for effect in consequences.told(NOTHING, after, is_first=True)] == [TellDependents]


def test_a_mail_that_is_no_report_notes_nothing() -> None:
    assert of(NoteBounce, NOTHING, filed_on(C1), replace(AROUND, about=About("f" * 32))) == []


def test_a_state_that_goes_is_kept_until_the_message_is_done() -> None:
    done = filed_on(C1, state=DONE)
    first = filed_on(C2).following(done)
    second = replace(first, decision=a_decision(str(K1))).following(first)
    assert first.before == shown(C1, certain=(C1,))
    assert second.before == shown(C1, C2)
    assert replace(second, state=DONE).following(second).before == NOTHING


def test_who_finds_other_rows_to_be_written_leaves_word_of_what_it_wrote() -> None:
    standing, applied = filed_on(C1, state=DONE), filed_on(C2)
    outdone = standing.finished(applied)
    assert (outdone.state, outdone.before.refs) == ("pending", {C1, C2})
    assert filed_on(C1).finished(filed_on(C1)).state == DONE
