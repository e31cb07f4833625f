"""Why a mail is, or is not, on a timeline: every reason and outcome as a readable sentence.

Says nothing of people or subjects: the words of a rule, and where the copy lies.
"""

from collections.abc import Iterable
from typing import Final

from shared.domain.capture import sightings
from shared.domain.capture.sightings import QUEUED, TRIAGE
from shared.domain.filing.filing import PENDING, StoredMessage
from shared.domain.mail.messages import Direction
from shared.domain.matching.decisions import Link

KEPT: Final = {
    "sent": "it left through Postledger",
    "code": "it carries a valid reference code",
    "thread": "it answers a mail that is filed",
    "bounce": "it reports that a mail which is filed did not arrive",
    "known_address": "one of its participants has the address of a known record",
    "known_domain": "one of its participants writes from a client's domain",
    "intake": "it came to an intake mailbox",
    "everything": "its mailbox captures everything",
    "matching_off": "it came in, and its mailbox has matching switched off: every such mail is listed in My Inbox",
}
NOT_KEPT: Final = {
    "erased": "somebody on it had the own address erased; such mail is never kept again",
    "never_log": "an address or domain on it stands on a never-log list, which wins over everything else",
    "staff_only": "all of its participants belong to the organisation",
    "sent_items_off": "it is in sent items, and its mailbox does not capture those",
    "before_window": (
        "it was received before the capture window of its mailbox began; a backfill brings in such mail"
    ),
    "folder_unlisted": (
        "it is in a folder that its mailbox has and does not list, as Exchange keeps chats of Teams"
    ),
    "private": "it is marked private or confidential, and answers no mail that is filed",
    "no_open_record": (
        "it was sent to people who are known to closed records or excluded types only, and answers no mail that is "
        "filed: it would be on no timeline"
    ),
    "deleted": "a person has deleted it in My Inbox; it does not come back",
    "item_gone": "it went from its mailbox before it could be filed, as a mail does that is deleted for good",
    "unknown_people": (
        "none of its participants is known: no record has one of their addresses, no client one of their domains, "
        "and it answers no mail that is filed"
    ),
    "foreign_report": (
        "it is a report about a mail that was not sent from here, or is not filed, and it names nobody who is known"
    ),
}
FOLDERS: Final = {
    "drafts": "it is a draft",
    "junkemail": "it is in junk e-mail",
    "deleteditems": "it is in deleted items",
}
RULES: Final = {
    "sent": "it was sent for that record",
    "code": "its reference code was issued for that record, and its sender is known there",
    "bounce": "it reports that a mail filed there did not arrive",
    "thread": "it answers a mail that is filed there",
    "conversation": "it goes on with a conversation that is filed there and shares a participant",
    "subject": "its subject is that record's summary, and a contact of it wrote or received it",
    "contact_address": "an address on it is on a contact's card",
    "taught": "an agent has said that mail of that address belongs there",
    "domain": "somebody on it writes from a domain that belongs there",
    "by_hand": "a person put it there",
    "opened": "the record was opened for it",
}
NOT_MATCHED: Final = {
    "no_match": "no open record goes with it",
    "marked_spam": "its server takes it for spam, and it answers no mail that is filed: no record is opened for it",
    "old_mail": (
        "it was found when its mailbox was connected, or read anew, and is older: it may have lain there before"
    ),
    "too_many": "its sender has had as many records opened within the hour as the mailbox permits",
    "claims_code": "it quotes a valid reference code, but its sender is not known to that code's records",
    "forged_sender": "its sender is known, but the sender's domain disowns the mail (DMARC)",
    "ambiguous": "several open records have a contact at the sender's domain",
    "unlinked": "a person took it from its last record",
}
LISTED: Final = {
    "no_record_of_kind": "it reached no open record of the kind that the mailbox is matched to",
    "matching_off": "matching is switched off for the mailbox",
}
STATES: Final = {
    "deleted": "A person has deleted it in My Inbox. Nothing is kept of it but its key, so that it does not come back.",
    "pending": "Its rows are being written; this takes seconds, and after a crash up to ten minutes.",
    "unknown": (
        "The mail itself was never seen in a captured mailbox. Another mail answers it, which will be looked at "
        "again once this one is filed."
    ),
}
_FOLDER: Final = "folder:"
# Of several copies, what the mail as a whole comes to.
ORDER: Final = ("filed", "triage", "pending", "failed", "skipped", "unknown")


def outcome_of(outcome: str) -> str:
    """What a ledger row's outcome is called towards readers."""
    return {QUEUED: "pending"}.get(outcome, outcome)


def capture_sentence(reason: str) -> str:
    """Why capture kept a mail or did not, as half a sentence; the bare word for one that is not known here."""
    if reason.startswith(_FOLDER):
        kind = reason.removeprefix(_FOLDER)
        return FOLDERS.get(kind, f"it is in a folder that is not captured ({kind})")
    return KEPT.get(reason) or NOT_KEPT.get(reason) or f"of the rule '{reason}'"


def preview_sentence(capture: str, outcome: str, reason: str, direction: Direction) -> str:
    """What would become of a mail, and why."""
    kept = f"Kept, because {capture_sentence(capture)}."
    if outcome != TRIAGE:
        return kept
    place = "wait in My Inbox" if direction is Direction.IN else "be on no timeline"
    return f"{kept} It would {place}, because {NOT_MATCHED.get(reason, reason)}."


def copy_step(place: str, outcome: str, reason: str, *, final: bool = True, waits: bool = False) -> str:
    """What became of one copy; `place` says where it lies, `waits` whether its agent has it in My Inbox now."""
    match outcome:
        case sightings.SKIPPED:
            later = "" if final else " This is not final: moved to a captured folder, it is looked at again."
            return f"{place}: skipped, because {capture_sentence(reason)} ({reason}).{later}"
        case sightings.QUEUED:
            because = capture_sentence(reason)
            return f"{place}: kept, because {because} ({reason}); its body is about to be fetched."
        case sightings.FILED:
            return f"{place}: kept, fetched and filed, because {_rule(reason)} ({reason})."
        case sightings.TRIAGE:
            because = NOT_MATCHED.get(reason, f"of '{reason}'")
            waiting = "it waits in My Inbox" if waits else "it was filed nowhere then"
            return f"{place}: kept and fetched; {waiting}, because {because} ({reason})."
        case sightings.FAILED:
            return f"{place}: it could not be fetched or filed ({reason}); see the exception."
    return f"{place}: {outcome} ({reason})."


def waits_sentence(reason: str) -> str:
    """Why a mail waits in My Inbox."""
    because = NOT_MATCHED.get(reason, f"of '{reason}'")
    return f"It waits here because {because}."


def message_steps(message: StoredMessage, links: tuple[Link, ...], listed: Iterable[str]) -> list[str]:
    """What was decided on a stored mail, record by record; `links` are those that may be shown.

    `listed` are the reasons for which it stands in My Inbox of agents now, filed or not.
    """
    if message.is_deleted:
        return [STATES["deleted"]]
    steps = [_decision_step(message, links), *map(_link_step, links)]
    if message.is_filed:
        for reason in listed:
            steps.append(f"It is in My Inbox as well, because {LISTED.get(reason, reason)} ({reason}).")
    elif any(listed):
        steps.append("It waits in My Inbox.")
    if message.bounces:
        steps.append(f"It did not reach {len(message.bounces)} address(es): reports have come back.")
    return [*steps, STATES["pending"]] if message.state == PENDING else steps


def _decision_step(message: StoredMessage, links: tuple[Link, ...]) -> str:
    rules = f"Matching (rules {message.decision.version})"
    if not message.is_filed:
        because = NOT_MATCHED.get(message.decision.reason, f"of '{message.decision.reason}'")
        return f"{rules} found no place for it: {because}."
    if not links:
        return f"{rules} filed it on what is not for you to see."
    if message.decided is not None:
        return f"A person has decided on it in My Inbox; it is on {len(links)} record(s)."
    return f"{rules} filed it on {len(links)} record(s)."


def _link_step(link: Link) -> str:
    words = link.evidence.words
    evidence = f"; evidence: {words}" if words else ""
    closed = " The record was closed by then." if link.closed else ""
    return f"On {link.ref}, because {_rule(link.rule)} ({link.rule}, score {link.score}{evidence}).{closed}"


def _rule(rule: str) -> str:
    return RULES.get(rule, f"of the rule '{rule}'")
