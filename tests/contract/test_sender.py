"""What every `ports.MailSender` must do, on the fake and on Graph as the simulator plays it."""

import time
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from dev.simulator.serve import Simulator, running_simulator
from shared.adapters.graph.sending import PIECE, GraphSender
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import NotFound, Rejected
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage, MessageHead
from shared.domain.sending.outcomes import Answer, Outcome
from shared.ports.sending import MailSender, OpenOutbox, OutgoingCopy, OutgoingFile
from tests.builders import AGENT, TENANT, a_mailbox
from tests.contract.graph_world import SimulatedMail
from tests.fakes.sending import FakeSender

pytestmark = pytest.mark.stack


def mime(number: int = 1, *, text: str = "Thursday it is.") -> bytes:
    lines = [f"From: Bo Agent <{AGENT}>", "To: buyer@client.example", "Bcc: quiet@client.example"]
    lines += ["Subject: Viewing", f"Message-ID: <viewing-{number}@contoso.example>"]
    lines += ["In-Reply-To: <asked@client.example>", "MIME-Version: 1.0"]
    lines += ["Content-Type: text/html; charset=utf-8", "", f"<p>{text}</p>"]
    return "\r\n".join(lines).encode()


def drafted(outbox: OpenOutbox, mime: bytes, tag: str) -> ItemRef:
    made = outbox.draft(mime, tag)
    assert isinstance(made, ItemRef), made
    return made


class Server(Protocol):
    """A mail server: a sender, its mailbox, what has left, and how many seconds a mail needs to leave."""

    sender: MailSender
    mailbox: Mailbox

    def left(self) -> list[str]: ...


class FakeServer:
    def __init__(self) -> None:
        self.sender = self.fake = FakeSender()
        self.mailbox = a_mailbox(address=AGENT, agent=AGENT)

    def left(self) -> list[str]:
        return [mime.decode() for mime in self.fake.outbound]


class GraphServer:
    def __init__(self, simulator: Simulator, **habits: Any) -> None:
        self.control = simulator.control
        self.control.organisations(TENANT, "contoso.example")
        self.control.put_habits(**habits)
        mail = SimulatedMail(simulator)
        mail.add_mailbox(AGENT)
        self.control.call("DELETE", "outbound")
        self.mail = mail
        self.sender = GraphSender(mail.sessions)
        self.mailbox = a_mailbox(address=AGENT, agent=AGENT, user_id="")

    def left(self) -> list[str]:
        return [str(mail["raw"]) for mail in self.control.outbound()]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator() as running:
        yield running


SAME: dict[str, Any] = {"draft_keeps_immutable_id": True, "keeps_message_id": True}


@pytest.fixture(params=["fake", "graph as it is", "graph that keeps ids"])
def server(request: pytest.FixtureRequest) -> Server:
    if request.param == "fake":
        return FakeServer()
    simulator: Simulator = request.getfixturevalue("simulator")
    request.getfixturevalue("monkeypatch").setenv("REQUESTS_CA_BUNDLE", simulator.ca_file)
    return GraphServer(simulator, **(SAME if request.param.endswith("ids") else {}))


@pytest.fixture
def outbox(server: Server) -> OpenOutbox:
    return server.sender.open(server.mailbox)


def sent_copy(outbox: OpenOutbox, tag: str, number: int = 1) -> OutgoingCopy:
    """Once the mail has left."""
    while True:
        copies = outbox.copies(tag, f"viewing-{number}@contoso.example")
        if copies and not copies[0].is_draft:
            [copy] = copies
            return copy
        time.sleep(0.02)


class TestSender:
    def test_a_draft_lies_in_the_mailbox_and_has_not_left(self, server: Server, outbox: OpenOutbox) -> None:
        draft = outbox.draft(mime(), "tag-1")
        [copy] = outbox.copies("tag-1", "")
        assert copy == OutgoingCopy(draft, "viewing-1@contoso.example", True, False, AGENT)
        assert server.left() == []

    def test_a_draft_that_is_sent_leaves_once_and_its_copy_is_found_by_its_tag(
        self, server: Server, outbox: OpenOutbox
    ) -> None:
        draft = drafted(outbox, mime(2), "tag-2")
        assert outbox.send_draft(draft) == Outcome(Answer.TAKEN)
        assert sent_copy(outbox, "tag-2").sender == AGENT
        [raw] = server.left()
        assert "Thursday it is." in raw
        # It is no draft any more, whatever its id is by now.
        assert outbox.send_draft(draft).answer is Answer.NO_DRAFT
        assert len(server.left()) == 1

    def test_a_draft_without_its_tag_is_found_by_its_name_and_marked_before_it_leaves(
        self, outbox: OpenOutbox
    ) -> None:
        draft = drafted(outbox, mime(6), "another tag")
        [copy] = outbox.copies("tag-6", "viewing-6@contoso.example")
        assert (copy.item, copy.is_draft, copy.is_marked) == (draft, True, False)
        outbox.mark(draft, "tag-6")
        [copy] = outbox.copies("tag-6", "")
        assert copy.is_marked
        outbox.send_draft(draft)
        assert sent_copy(outbox, "tag-6", 6).is_marked

    def test_a_mail_may_be_handed_over_in_one_call(self, server: Server, outbox: OpenOutbox) -> None:
        assert outbox.send(mime(3)).answer is Answer.TAKEN
        while not server.left():
            time.sleep(0.02)
        assert "<asked@client.example>" in server.left()[0]

    def test_files_of_any_size_are_added_to_a_draft(self, server: Server, outbox: OpenOutbox) -> None:
        draft = drafted(outbox, mime(4), "tag-4")
        sizes = {"small.pdf": 9, "large.pdf": PIECE + 5}
        for name, size in sizes.items():
            chunks = iter([b"x" * (size - 1), b"y"])
            outbox.attach(draft, OutgoingFile(name, "application/pdf", size, chunks))
        outbox.send_draft(draft)
        sent_copy(outbox, "tag-4", 4)
        if isinstance(server, FakeServer):
            [letter] = server.fake.letters[server.mailbox.mailbox_id]
            found = {name: len(data) for name, data in letter.files}
        else:
            found = _files_of(server.left()[-1])
        assert found == sizes

    def test_a_draft_that_was_taken_away_is_not_found(self, outbox: OpenOutbox) -> None:
        draft = drafted(outbox, mime(5), "tag-5")
        outbox.discard(draft)
        outbox.discard(draft)
        assert not [
            copy for copy in outbox.copies("tag-5", "viewing-5@contoso.example") if not copy.is_in_trash
        ]
        with pytest.raises(NotFound):
            outbox.attach(draft, OutgoingFile("a", "text/plain", 1, iter([b"a"])))
        with pytest.raises(NotFound):
            outbox.mark(draft, "tag-5")

    def test_a_mail_that_nobody_laid_down_has_no_copy(self, outbox: OpenOutbox) -> None:
        assert outbox.copies("it's nobody's", "nor'this@contoso.example") == []


def _files_of(raw: str) -> dict[str, int]:
    from email import message_from_string

    parts = message_from_string(raw).walk()
    named = [(part.get_filename(), part.get_payload(decode=True)) for part in parts if part.get_filename()]
    return {str(name): len(data) for name, data in named if isinstance(data, bytes)}


@pytest.fixture
def graph(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> GraphServer:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", simulator.ca_file)
    return GraphServer(simulator)


@pytest.mark.parametrize("keeps", [True, False])
def test_a_sent_copy_is_read_with_its_tag_whatever_became_of_its_ids(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, keeps: bool
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", simulator.ca_file)
    server = GraphServer(simulator, draft_keeps_immutable_id=keeps, keeps_message_id=keeps)
    outbox = server.sender.open(server.mailbox)
    outbox.send_draft(drafted(outbox, mime(30), "098227558180000-30"))
    copy = sent_copy(outbox, "098227558180000-30", 30)
    box = server.mail.open(server.mailbox)
    head, whole = box.heads([copy.item])[copy.item], box.messages([copy.item])[copy.item]
    assert isinstance(head, MessageHead)
    assert isinstance(whole, FetchedMessage)
    assert (head.tag, whole.head.tag) == ("098227558180000-30",) * 2
    assert (head.message_id == "viewing-30@contoso.example") is keeps


def test_an_answer_to_sending_is_the_only_try(graph: GraphServer) -> None:
    """Whatever is answered, the mail may have left: nothing below the service tries again."""
    outbox = graph.sender.open(graph.mailbox)
    for status in (0, 429, 500, 503, 504, 200):
        draft = drafted(outbox, mime(status + 10), f"tag-{status}")
        graph.control.put_answers({"call": "send", "status": status, "does": "nothing"})
        assert outbox.send_draft(draft).answer is Answer.UNKNOWN
    assert graph.left() == []


def test_a_mail_that_is_taken_may_ask_the_next_one_to_wait(graph: GraphServer) -> None:
    outbox = graph.sender.open(graph.mailbox)
    graph.control.put_answers(
        {"call": "send", "status": 202, "does": "all", "headers": {"Retry-After": "30"}}
    )
    assert outbox.send_draft(drafted(outbox, mime(20), "tag-20")) == Outcome(Answer.TAKEN, retry_after=30)
    sent_copy(outbox, "tag-20", 20)


def test_mime_that_is_too_long_makes_no_draft(graph: GraphServer) -> None:
    """Graph answers 200 and makes nothing."""
    outbox = graph.sender.open(graph.mailbox)
    made = outbox.draft(mime(21, text="x" * 2_300_000), "tag-21")
    assert isinstance(made, Outcome) and made.answer is Answer.UNKNOWN
    assert outbox.copies("tag-21", "viewing-21@contoso.example") == []


@pytest.mark.parametrize(
    ("status", "code", "answer"),
    [
        (403, "ErrorSendAsDenied", Answer.SEND_AS_DENIED),
        (403, "ErrorAccessDenied", Answer.NO_ACCESS),
        (400, "ErrorInvalidRecipients", Answer.INVALID_RECIPIENTS),
        (413, "RequestEntityTooLarge", Answer.TOO_LARGE),
        (507, "ErrorQuotaExceeded", Answer.OVER_QUOTA),
        (400, "ErrorExceededMaxRecipientLimit", Answer.TOO_MANY_RECIPIENTS),
    ],
)
def test_what_graph_refuses_is_said_in_our_words(
    graph: GraphServer, status: int, code: str, answer: Answer
) -> None:
    outbox = graph.sender.open(graph.mailbox)
    draft = drafted(outbox, mime(30), f"tag-{code}")
    graph.control.put_answers({"call": "send", "status": status, "code": code})
    assert outbox.send_draft(draft) == Outcome(answer, code)


def test_a_piece_that_is_refused_says_so(graph: GraphServer) -> None:
    outbox = graph.sender.open(graph.mailbox)
    draft = drafted(outbox, mime(22), "tag-22")
    graph.control.put_answers({"call": "upload", "status": 400, "code": "ErrorQuotaExceeded"})
    with pytest.raises(Rejected):
        outbox.attach(draft, OutgoingFile("a", "text/plain", PIECE + 1, iter([b"a" * (PIECE + 1)])))


def test_a_mailbox_that_has_sent_enough_is_told_so(graph: GraphServer) -> None:
    graph.control.put_habits(messages_a_minute=1)
    outbox = graph.sender.open(graph.mailbox)
    first, second = (drafted(outbox, mime(number), f"tag-{number}") for number in (40, 41))
    assert outbox.send_draft(first).answer is Answer.TAKEN
    said = outbox.send_draft(second)
    assert said.answer is Answer.UNKNOWN
    assert said.retry_after is not None


def test_a_recipient_whom_nobody_knows_is_reported_to_the_sender(graph: GraphServer) -> None:
    outbox = graph.sender.open(graph.mailbox)
    raw = mime(42).replace(b"buyer@client.example", b"nobody@contoso.example")
    outbox.send_draft(drafted(outbox, raw, "tag-42"))
    sent_copy(outbox, "tag-42", 42)
    while not (found := [mail for mail in graph.control.messages(AGENT) if mail["folder"] == "inbox"]):
        time.sleep(0.02)
    assert [mail["subject"] for mail in found] == ["Undeliverable: Viewing"]
