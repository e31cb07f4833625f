"""A mail that leaves through Graph as the simulator plays it is one `sent` entry, whatever becomes of its ids."""

import time
from collections.abc import Iterator

import pytest

from dev.simulator.serve import Simulator, running_simulator
from shared.adapters.graph.sending import GraphSender
from shared.domain.commands.commands import IngestMessages, SendMail
from shared.domain.sending import transitions
from shared.domain.sending.states import State
from tests.builders import AGENT, CONTACT, TENANT, a_record, a_ref, an_outbox_mail, people
from tests.contract.graph_world import GraphWorld
from tests.unit.services.sending.sent_world import CODE, MAIL_ID, MESSAGE_ID, SENDER_OID, SUBJECT

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture
def world(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> GraphWorld:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", simulator.ca_file)
    made = GraphWorld(simulator)
    made.records(a_record("property/P-1"))
    return made


def send(world: GraphWorld) -> None:
    """Ask for a mail, and send it until the server has taken it; nobody has looked for its copy yet."""
    mail = an_outbox_mail(
        id=MAIL_ID,
        mailbox_id=world.mailbox.mailbox_id,
        agent_id=SENDER_OID,
        subject=SUBJECT,
        code=CODE,
        message_id=MESSAGE_ID,
        tag=MAIL_ID,
        to=people(CONTACT),
        records=(a_ref("property/P-1"),),
    )
    world.storage.sender = GraphSender(world.mail.sessions)  # type: ignore[arg-type, attr-defined]
    world.restart()
    world.storage.outbox.add(transitions.asked_for(mail))
    box = world.mailbox
    world.send_due(SendMail(tenant_id=TENANT, mailbox_id=box.mailbox_id, first_at=world.now))
    while not world.control.outbound():
        time.sleep(0.02)
    # What the sender asks for once it has seen the copy would find it for everybody else.
    sent = world.storage.queue.sent
    sent[:] = [entry for entry in sent if not isinstance(entry[0], IngestMessages)]


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("settings", [{}, {"sent_items": False}, {"matching": False}])
def test_a_walk_finds_the_copy_under_either_reading_of_its_ids(
    world: GraphWorld, keeps: bool, settings: dict[str, bool]
) -> None:
    world.control.call("DELETE", "outbound")
    world.control.put_habits(draft_keeps_immutable_id=keeps, keeps_message_id=keeps)
    world.rewrite(**settings)
    send(world)
    while not world.timeline("property/P-1"):
        world.settle()
    [entry] = world.timeline("property/P-1")
    assert (entry.kind, entry.agent, entry.link.rule) == ("sent", AGENT, "sent")
    assert (entry.internet_message_id == MESSAGE_ID) is keeps
    row = world.storage.outbox.get(TENANT, MAIL_ID)
    assert row is not None
    assert (row.state, row.message_key) == (State.CONFIRMED, entry.message_key)
    assert "left" not in " ".join(step.detail for step in row.steps)
