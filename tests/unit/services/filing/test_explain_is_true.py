"""Whatever comes and whatever people do: explain says of each mail what timelines and My Inbox show of it."""

from collections.abc import Callable
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.errors import InvalidInput, Outdated, Unknown, WrongState
from shared.domain.filing.person_decisions import DELETE, LINK
from shared.domain.privacy.callers import ADMIN, Caller
from shared.domain.privacy.callers import AGENT as AGENT_ROLE
from shared.services.capture.scopes import hasher_of
from shared.services.filing.explain import Explanation
from shared.services.filing.inbox import Wanted
from tests.builders import AGENT, CONTACT, HASH_KEY, TENANT, a_record, a_ref
from tests.unit.services.world import World

SECOND = "second@contoso.example"
STRANGER = "stranger@adatum.example"
REF = "contact/C-1"
ANN = Caller(TENANT, frozenset({AGENT_ROLE, ADMIN}), oid="ann", address=AGENT)
MAILS = ("a@fabrikam.example", "b@fabrikam.example")
REFUSED = (Outdated, WrongState, Unknown, InvalidInput)

boxes = st.sampled_from((AGENT, SECOND))
mails = st.sampled_from(MAILS)
senders = st.sampled_from((CONTACT, STRANGER, AGENT, SECOND))
arrivals = st.tuples(st.just("arrive"), mails, boxes, st.sampled_from(("inbox", "sentitems", "junkemail")))
others = st.tuples(
    st.sampled_from(("link", "delete", "undo", "by hand", "taken away", "record", "matching", "gone")), mails
)


def key_of(message_id: str) -> str:
    return hasher_of(HASH_KEY, TENANT).message_id(message_id)


def a_world() -> World:
    world = World()
    world.connect(SECOND, capture="everything", matched_to="opportunity")
    world.records(a_record(), a_record("opportunity/O-1", summary="Kitchen"))
    return world


def arrive(world: World, sender: str, message_id: str, address: str, folder: str) -> None:
    box = next(box for box in world.storage.mailboxes.rows.values() if box.address == address)
    parent = tuple(mail for mail in MAILS if mail < message_id)
    folder_of = (
        {"sentitems": "sentitems"} if sender == address else {"inbox": "inbox", "junkemail": "junkemail"}
    )
    to = (AGENT, SECOND) if sender in (CONTACT, STRANGER) else (STRANGER,)
    item = world.deliver(
        address,
        folder_of.get(folder, "inbox"),
        message_id=message_id,
        sender=sender,
        to=to,
        in_reply_to=parent,
        subject="Re: Kitchen",
    )
    world.notify(item, mailbox=box)


def carry_out(world: World, name: str, message_id: str) -> None:
    key = key_of(message_id)
    acts: dict[str, Callable[[], object]] = {
        "link": lambda: world.decide(ANN, key, Wanted(LINK, refs=(a_ref(REF),))),
        "delete": lambda: world.decide(ANN, key, Wanted(DELETE)),
        "undo": lambda: world.undo_decision(ANN, key),
        "by hand": lambda: world.link_message(ANN, key, a_ref("opportunity/O-1")),
        "taken away": lambda: world.unlink_message(ANN, key, a_ref(REF)),
        "record": lambda: world.records(a_record("contact/C-2", addresses=(STRANGER,))),
        "matching": lambda: world.rewrite(matching=False),
        "gone": lambda: world.rewrite(capture="everything"),
    }
    with suppress(*REFUSED):
        acts[name]()


def explained(world: World, message_id: str) -> Explanation | None:
    try:
        found: Explanation = world.explain(ANN, message_id)
    except Unknown:
        return None
    return found


def check(world: World, message_id: str) -> None:
    key = key_of(message_id)
    shown = {
        str(ref)
        for (_, ref), rows in world.storage.timeline.rows.items()
        if any(entry.message_key == key for entry in rows.values())
    }
    waiting = any(
        item.message_key == key
        for address in (AGENT, SECOND)
        for item in world.storage.inbox.of(TENANT, address)
    )
    found = explained(world, message_id)
    if found is None:
        assert (shown, waiting) == (set(), False)
        return
    said = " ".join(found.steps)
    assert {str(link.ref) for link in found.links} == shown
    assert (found.outcome == "filed") is bool(shown), said
    assert ("My Inbox as well" in said) is (waiting and bool(shown)), said
    assert ("waits in My Inbox" in said) is (waiting and not shown), said
    if waiting and not shown:
        assert found.outcome == "triage", said
    if found.outcome in ("skipped", "unknown"):
        assert (shown, waiting) == (set(), False), said


@settings(max_examples=60, deadline=None)
@given(st.tuples(senders, senders), st.lists(st.one_of(arrivals, others), min_size=1, max_size=8))
def test_explain_says_what_is_shown(written_by: tuple[str, str], steps: list[tuple[str, ...]]) -> None:
    world = a_world()
    for name, message_id, *more in steps:
        if name == "arrive":
            arrive(world, written_by[MAILS.index(message_id)], message_id, *more)
        else:
            carry_out(world, name, message_id)
        world.work()
        for each in MAILS:
            check(world, each)
