"""Submission as servers do it: what each reply proves, and that a mail leaves once, over a scripted server."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.imap.accounts import STARTTLS
from shared.adapters.smtp.accounts import NO_SUBMISSION
from shared.domain.commands.advice import advice
from shared.domain.commands.commands import IngestMessages, ResendMail, SendMail
from shared.domain.connections.setting_warnings import warnings_of
from shared.domain.errors import AccessDenied, Rejected, Unavailable
from shared.domain.mail.addresses import Person
from shared.domain.sending.outbox import OutboxFile, OutboxMail
from shared.domain.sending.outcomes import Answer, Outcome
from shared.domain.sending.states import State
from shared.ports.sending import Offer
from shared.ports.stores.exceptions import Failure
from tests.builders import TENANT
from tests.contract.dovecot_world import certificate
from tests.contract.smtp_server import CLOSE, SILENCE, SmtpServer, serving
from tests.contract.smtp_world import NO_FOLDER, PASSWORD, Certificates, SmtpMail, SmtpOutboxWorld, id_of

pytestmark = pytest.mark.stack

ANNA, GONE, CARL = (f"{name}206@client206.example" for name in ("anna", "gone", "carl"))
THREE = (Person("", ANNA), Person("", GONE), Person("", CARL))
FORWARDED = OutboxFile("asked.eml", "message/rfc822", 9, message_key="answered", attachment_id="1")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(*certificate(tmp_path_factory.mktemp("smtp")))


@pytest.fixture
def smtp(certificates: Certificates) -> Iterator[SmtpMail]:
    with serving(SmtpServer(certificates.of_server())) as server:
        yield SmtpMail(server, certificates)


@pytest.fixture
def world(smtp: SmtpMail) -> SmtpOutboxWorld:
    return SmtpOutboxWorld(smtp)


def mime(*, to: str = "Bo <buyer@client.example>", bcc: str = "", text: str = "Thursday.") -> bytes:
    lines = ["From: Agent <agent@contoso.example>", f"To: {to}"]
    lines += [f"Bcc: {bcc}"] if bcc else []
    lines += ["Subject: Viewing", "Message-ID: <viewing@contoso.example>", "", text]
    return "\r\n".join(lines).encode()


def offered(smtp: SmtpMail, content: bytes | None = None) -> Offer | Outcome:
    box = smtp.sender.open(smtp.mailbox)
    try:
        return box.offer(content or mime())
    finally:
        box.close()


def sent(smtp: SmtpMail, content: bytes | None = None) -> Outcome:
    box = smtp.sender.open(smtp.mailbox)
    assert isinstance(box.offer(content or mime()), Offer)
    return box.send(content or mime())


def answer(said: Offer | Outcome) -> Answer:
    assert isinstance(said, Outcome), said
    return said.answer


def told_of(world: SmtpOutboxWorld) -> list[Failure]:
    return list(world.storage.exceptions.rows.values())


class TestEnvelope:
    def test_blind_recipients_stand_in_the_envelope_alone(self, smtp: SmtpMail) -> None:
        content = mime(bcc="Quiet One\r\n <quiet@client.example>, buyer@client.example")
        assert sent(smtp, content) == Outcome(Answer.TAKEN)
        [taken] = smtp.server.taken
        assert taken.sender == "agent@contoso.example"
        assert taken.recipients == ["buyer@client.example", "quiet@client.example"]
        assert b"quiet" not in taken.content.lower()
        assert taken.content == mime() + b"\r\n"

    def test_a_line_that_is_a_dot_ends_nothing(self, smtp: SmtpMail) -> None:
        content = mime(text="one\r\n.\r\n..two\r\nMAIL FROM:<x@y.example>\n.\nthree\r.\rfour")
        assert sent(smtp, content).answer is Answer.TAKEN
        [taken] = smtp.server.taken
        expected = b"one\r\n.\r\n..two\r\nMAIL FROM:<x@y.example>\r\n.\r\nthree\r\n.\r\nfour\r\n"
        assert taken.content.endswith(expected)

    def test_the_size_is_said_and_what_is_larger_than_the_server_takes_is_not_offered(
        self, smtp: SmtpMail
    ) -> None:
        assert isinstance(offered(smtp), Offer)
        assert f"SIZE={len(mime())}" in smtp.server.verbs("MAIL")[-1]
        smtp.server.capabilities = ("AUTH PLAIN", "SIZE 100")
        said = offered(smtp)
        assert answer(said) is Answer.TOO_LARGE
        assert len(smtp.server.verbs("MAIL")) == 1

    def test_eight_bits_are_said_where_the_server_has_them(self, smtp: SmtpMail) -> None:
        content = mime(text="zwölf")
        assert isinstance(offered(smtp, content), Offer)
        assert smtp.server.verbs("MAIL")[-1].endswith("BODY=8BITMIME")
        smtp.server.capabilities = ("AUTH PLAIN",)
        assert answer(offered(smtp, content)) is Answer.REJECTED

    def test_addresses_beyond_ascii_need_a_server_that_takes_them(self, smtp: SmtpMail) -> None:
        content = mime(to="dörte@client.example")
        assert isinstance(offered(smtp, content), Offer)
        assert "SMTPUTF8" in smtp.server.verbs("MAIL")[-1]
        assert smtp.server.verbs("RCPT") == ["RCPT TO:<dörte@client.example>"]
        smtp.server.capabilities = ("AUTH PLAIN",)
        assert answer(offered(smtp, content)) is Answer.INVALID_RECIPIENTS


class TestSafety:
    def test_a_certificate_that_is_not_trusted_gets_no_password(self, smtp: SmtpMail, tmp_path: Path) -> None:
        smtp.server.context = Certificates(*certificate(tmp_path)).of_server()
        assert answer(offered(smtp)) is Answer.SIGNED_OUT
        assert smtp.server.commands == []

    @pytest.mark.parametrize("taken_away", ["not offered", "refused", "forged lines ahead of it"])
    def test_no_password_leaves_in_the_clear(self, certificates: Certificates, taken_away: str) -> None:
        server = SmtpServer(certificates.of_server(), is_tls=False)
        if taken_away != "not offered":
            server.capabilities = (*server.capabilities, "STARTTLS")
        if taken_away == "refused":
            server.says["STARTTLS"] = ["454 4.7.0 not now"]
        if taken_away.startswith("forged"):
            server.says["STARTTLS"] = ["220 go\r\n235 2.7.0 signed in"]
        with serving(server):
            smtp = SmtpMail(server, certificates, security=STARTTLS)
            assert answer(offered(smtp)) in (Answer.SIGNED_OUT, Answer.NOT_NOW)
        assert server.verbs("AUTH") == []

    def test_starttls_encrypts_before_anybody_signs_in(self, certificates: Certificates) -> None:
        server = SmtpServer(certificates.of_server(), is_tls=False)
        server.capabilities = (*server.capabilities, "STARTTLS")
        with serving(server):
            assert sent(SmtpMail(server, certificates, security=STARTTLS)).answer is Answer.TAKEN
        verbs = [command.split()[0] for command in server.commands if " " in command or command.isupper()]
        assert verbs[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]

    def test_a_server_in_the_clear_where_tls_was_asked_for_gets_nothing(
        self, certificates: Certificates
    ) -> None:
        with serving(SmtpServer(None)) as server:
            assert answer(offered(SmtpMail(server, certificates))) is Answer.SIGNED_OUT
        assert server.verbs("AUTH") == []

    @pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN", "LOGIN"])
    def test_a_password_beyond_ascii_is_said_as_it_is(self, smtp: SmtpMail, mechanisms: str) -> None:
        from base64 import b64decode

        smtp.server.capabilities = (f"AUTH {mechanisms}",)
        assert isinstance(offered(smtp), Offer)
        place = smtp.server.commands.index(smtp.server.verbs("AUTH")[0])
        said = [b64decode(line).decode() for line in smtp.server.commands[place + 1 :][:2] if "@" not in line]
        assert PASSWORD in "".join(said)

    @pytest.mark.parametrize("mechanisms", ["AUTH XOAUTH2", "AUTH CRAM-MD5", "AUTH"])
    def test_a_server_that_takes_no_passwords_is_told_none(self, smtp: SmtpMail, mechanisms: str) -> None:
        smtp.server.capabilities = (mechanisms,)
        assert answer(offered(smtp)) is Answer.SIGNED_OUT
        assert smtp.server.verbs("AUTH") == []

    def test_ways_to_sign_in_may_stand_in_several_lines(self, smtp: SmtpMail) -> None:
        smtp.server.capabilities = ("AUTH LOGIN PLAIN", "AUTH=LOGIN", "AUTH XOAUTH2")
        assert sent(smtp).answer is Answer.TAKEN

    @pytest.mark.parametrize(
        ("reply", "said"),
        [
            ("535 5.7.0 Too many failed attempts, try again later", Answer.NOT_NOW),
            ("535 Temporary authentication failure", Answer.NOT_NOW),
            ("535 5.7.8 Temporary or not, the password is wrong", Answer.SIGNED_OUT),
            ("535 5.7.3 Authentication unsuccessful", Answer.SIGNED_OUT),
        ],
    )
    def test_a_sign_in_that_is_refused_for_now_is_tried_again(
        self, smtp: SmtpMail, reply: str, said: Answer
    ) -> None:
        smtp.server.says["AUTH"] = [reply]
        assert answer(offered(smtp)) is said

    def test_a_recipient_in_two_spellings_gets_one_mail(self, smtp: SmtpMail) -> None:
        assert sent(smtp, mime(to="buyer@client.example, Buyer@Client.example")).answer is Answer.TAKEN
        assert smtp.server.taken[0].recipients == ["buyer@client.example"]

    def test_a_reply_without_an_end_is_no_reply(self, smtp: SmtpMail) -> None:
        smtp.server.says["MAIL"] = ["\r\n".join(["250-more"] * 1_000)]
        assert answer(offered(smtp)) is Answer.NOT_NOW

    def test_a_mailbox_without_an_account_has_nobody_to_ask(self, smtp: SmtpMail) -> None:
        smtp.account.error = AccessDenied("No server is known to send by.", NO_SUBMISSION)
        with pytest.raises(AccessDenied):
            offered(smtp)


BEFORE_DATA = {
    ("GREETING", "421 4.3.2 closing"): Answer.NOT_NOW,
    ("GREETING", "554 5.7.1 go away"): Answer.SIGNED_OUT,
    ("GREETING", CLOSE): Answer.NOT_NOW,
    ("GREETING", "hello"): Answer.NOT_NOW,
    ("EHLO", "421 4.7.0 too many connections"): Answer.NOT_NOW,
    ("EHLO", CLOSE): Answer.NOT_NOW,
    ("AUTH", "535 5.7.8 wrong"): Answer.SIGNED_OUT,
    ("AUTH", "534 5.7.9 application-specific password required"): Answer.SIGNED_OUT,
    ("AUTH", "454 4.7.0 later"): Answer.NOT_NOW,
    ("AUTH", CLOSE): Answer.NOT_NOW,
    ("MAIL", "451 4.3.0 later"): Answer.NOT_NOW,
    ("MAIL", "452 4.3.1 no room"): Answer.NOT_NOW,
    ("MAIL", "421 4.4.2 closing"): Answer.NOT_NOW,
    ("MAIL", "550 5.4.5 Daily user sending quota exceeded"): Answer.NOT_NOW,
    ("MAIL", "530 5.7.0 sign in first"): Answer.SIGNED_OUT,
    ("MAIL", "552 5.3.4 too large"): Answer.TOO_LARGE,
    ("MAIL", "553 5.7.1 <a@b.example>: Sender address rejected: not owned by user"): Answer.SENDER_REFUSED,
    ("MAIL", "550 5.7.60 no permission to send as this sender"): Answer.SENDER_REFUSED,
    ("MAIL", CLOSE): Answer.NOT_NOW,
    ("RCPT", "550 5.1.1 no such user"): Answer.INVALID_RECIPIENTS,
    ("RCPT", "553 5.7.1 <a@b.example>: Sender address rejected: not owned by user"): Answer.SENDER_REFUSED,
    ("RCPT", "450 4.2.0 greylisted"): Answer.NOT_NOW,
    ("RCPT", "421 4.7.0 closing"): Answer.NOT_NOW,
    ("RCPT", CLOSE): Answer.NOT_NOW,
}


@pytest.mark.parametrize(("said", "proves"), BEFORE_DATA.items(), ids=lambda value: str(value)[:60])
def test_what_is_said_before_data_is_an_outcome_and_nothing_has_left(
    smtp: SmtpMail, said: tuple[str, str], proves: Answer
) -> None:
    verb, reply = said
    smtp.server.says[verb] = [reply]
    found = offered(smtp)
    assert answer(found) is proves
    assert isinstance(found, Outcome)
    assert reply in (CLOSE, "hello") or reply[:3] in found.words
    assert smtp.server.taken == []


BEHIND_DATA = {
    ("DATA", "451 4.3.0 later"): Answer.NOT_NOW,
    ("DATA", "554 5.5.1 no valid recipients"): Answer.REJECTED,
    ("DATA", CLOSE): Answer.NOT_NOW,
    ("END", "451 4.7.1 later"): Answer.NOT_NOW,
    ("END", "452 4.3.1 no room"): Answer.NOT_NOW,
    ("END", "552 5.2.3 too large"): Answer.TOO_LARGE,
    ("END", "554 5.7.1 spam"): Answer.REJECTED,
    ("END", "550 5.7.60 Client does not have permissions to send as this sender"): Answer.SENDER_REFUSED,
    ("END", "421 4.4.2 timeout"): Answer.UNKNOWN,
    ("END", "451 4.4.0 the server behind me is gone"): Answer.UNKNOWN,
    ("END", CLOSE): Answer.UNKNOWN,
    ("END", SILENCE): Answer.UNKNOWN,
    ("END", "well, yes"): Answer.UNKNOWN,
    ("END", "999 what"): Answer.UNKNOWN,
    ("END", "250" + "x" * 9_000): Answer.UNKNOWN,
    ("END", "354 go on"): Answer.UNKNOWN,
}


@pytest.mark.parametrize(("said", "proves"), BEHIND_DATA.items(), ids=lambda value: str(value)[:60])
def test_what_is_said_behind_data_proves_what_it_says(
    smtp: SmtpMail, said: tuple[str, str], proves: Answer
) -> None:
    smtp.server.says[said[0]] = [said[1]]
    assert sent(smtp).answer is proves


ENDS = {
    ("MAIL", "451 4.3.0 later"): (State.CONFIRMED, 1),
    ("MAIL", CLOSE): (State.CONFIRMED, 1),
    ("AUTH", "535 5.7.8 wrong"): (State.CONFIRMED, 1),
    ("DATA", "451 4.3.0 later"): (State.CONFIRMED, 1),
    ("END", "451 4.7.1 later"): (State.CONFIRMED, 1),
    ("MAIL", "550 5.1.8 bad sender"): (State.FAILED, 0),
    ("RCPT", "550 5.1.1 no such user"): (State.FAILED, 0),
    ("END", "554 5.7.1 spam"): (State.FAILED, 0),
    ("END", CLOSE): (State.OUTCOME_UNKNOWN, None),
    ("END", SILENCE): (State.OUTCOME_UNKNOWN, None),
    ("END", "421 4.4.2 timeout"): (State.OUTCOME_UNKNOWN, None),
}


@pytest.mark.parametrize("arrives", [False, True])
@pytest.mark.parametrize("files_copies", [False, True])
@pytest.mark.parametrize(("said", "ends"), ENDS.items(), ids=lambda value: str(value)[:40])
def test_each_reply_leads_to_an_end_and_no_mail_leaves_twice(
    world: SmtpOutboxWorld,
    said: tuple[str, str],
    ends: tuple[State, int | None],
    files_copies: bool,
    arrives: bool,
) -> None:
    """Behind a lost reply the mail may have been taken: a copy in the mailbox tells."""
    smtp = world.smtp
    if files_copies:
        smtp.files_copies()
    smtp.server.says[said[0]] = [said[1]]
    state, count = ends
    smtp.server.takes = [arrives] if count is None else []
    world.ask()
    world.work()
    if count is None and arrives and files_copies:
        state = State.CONFIRMED
    assert world.mail().state is state
    assert len(world.left) == (int(arrives) if count is None else count)
    if state is State.OUTCOME_UNKNOWN:
        [told] = told_of(world)
        assert told.code == "no_answer"


def test_the_provider_lays_a_copy_and_we_lay_none(world: SmtpOutboxWorld) -> None:
    world.smtp.files_copies()
    world.ask()
    world.work()
    assert (world.mail().state, len(world.smtp.folder.mails), len(world.left)) == (State.CONFIRMED, 1, 1)


def test_a_copy_is_laid_with_its_blind_recipients_where_the_provider_lays_none(
    world: SmtpOutboxWorld,
) -> None:
    world.ask(bcc=(Person("", "quiet@client.example"),))
    world.work()
    assert world.mail().state is State.CONFIRMED
    [copy] = world.smtp.folder.mails
    assert b"Bcc: quiet@client.example" in copy
    [taken] = world.smtp.server.taken
    assert b"Bcc" not in taken.content
    assert "quiet@client.example" in taken.recipients
    [command] = [command for command, _ in world.storage.queue.sent if isinstance(command, IngestMessages)]
    assert [item.folder for item in command.items] == ["Sent"]


def test_a_copy_that_is_refused_makes_nothing_leave_again(world: SmtpOutboxWorld) -> None:
    world.smtp.folder.lay_error = Rejected("The mail server refuses the command.", "OVERQUOTA")
    world.ask()
    world.work()
    mail = world.mail()
    assert (mail.state, len(world.left), mail.has_ended) == (State.SENT, 1, True)
    assert mail.error is not None
    assert "could not be kept" in mail.error.detail
    assert [told.code for told in told_of(world)] == ["no_copy_kept"]


def test_a_copy_whose_answer_was_lost_is_not_laid_twice(world: SmtpOutboxWorld) -> None:
    folder = world.smtp.folder
    lay = folder.lay
    tries = []

    def lost_once(*given: object) -> object:
        tries.append(lay(*given))  # type: ignore[arg-type]
        if len(tries) == 1:
            raise Unavailable("The connection to the mail server was lost.")
        return tries[-1]

    folder.lay = lost_once  # type: ignore[assignment,method-assign]
    world.ask()
    world.work()
    assert (world.mail().state, len(folder.mails)) == (State.CONFIRMED, 1)


def test_those_whom_the_server_takes_get_one_mail_and_the_others_are_named(world: SmtpOutboxWorld) -> None:
    world.smtp.server.recipients = {GONE: "550 5.1.1 <gone206@client206.example>: no such user"}
    world.ask(to=THREE)
    world.work()
    mail = world.mail()
    assert [taken.recipients for taken in world.smtp.server.taken] == [[ANNA, CARL]]
    assert (mail.state, mail.rejected) == (State.CONFIRMED, (GONE,))
    told = " ".join(step.detail for step in mail.steps)
    assert f"The mail does not go to {GONE}. The mail server said: 550 5.1.1" in told
    assert len(world.smtp.folder.mails) == 1


@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
def test_a_sender_who_is_refused_fails_once_with_the_servers_words_and_is_sent_by_a_replay(
    world: SmtpOutboxWorld, verb: str
) -> None:
    said = f"553 5.7.1 <repairs@contoso.example>: Sender address rejected: not owned by user {world.mailbox.address}"
    world.smtp.server.says[verb] = [said]
    world.ask(sender=Person("Repairs", "repairs@contoso.example"))
    world.work()
    mail = world.mail()
    assert (mail.state, mail.error and mail.error.code) == (State.FAILED, "sender_refused")
    assert mail.error is not None
    assert said in mail.error.detail
    assert len(world.smtp.server.verbs("MAIL")) == 1
    [told] = told_of(world)
    assert told.code == "sender_refused"
    world.use_cases.resend_mail(ResendMail.of(mail))
    world.work()
    assert (world.mail().state, len(world.left)) == (State.CONFIRMED, 1)


def test_a_sign_in_that_is_refused_parks_all_mail_of_the_mailbox_and_is_told_once(
    world: SmtpOutboxWorld,
) -> None:
    world.smtp.server.says["AUTH"] = ["535 5.7.8 wrong"] * 3
    for number in range(1, 6):
        world.ask(number, created_at=world.now + timedelta(seconds=number))
    world.work()
    assert len(world.smtp.server.verbs("AUTH")) == 3 + 5, "one mail asked for all"
    assert [world.mail(number).state for number in range(1, 6)] == [State.CONFIRMED] * 5
    [told] = told_of(world)
    assert told.code == "SmtpSignInRefused"
    assert PASSWORD not in repr(told)


@pytest.mark.parametrize(
    "refusal", ["535 5.7.8 wrong", "534 5.7.9 an app password is needed", "550 disabled"]
)
def test_a_sign_in_that_is_refused_twice_is_tried_no_more_until_there_are_others(
    world: SmtpOutboxWorld, refusal: str
) -> None:
    world.saves_credentials()
    world.smtp.server.says["AUTH"] = [refusal] * 50
    for number in range(1, 4):
        world.ask(number, created_at=world.now + timedelta(seconds=number))
    world.work(until=timedelta(hours=6))
    world.ask(4)
    world.work(until=timedelta(hours=2))
    assert len(world.smtp.server.verbs("AUTH")) == 2
    assert world.left == []
    assert refusal in world.standing.state.sending_refused
    assert any(refusal in warning for warning in warnings_of(world.standing))
    [told] = told_of(world)
    assert (told.code, "at once" in advice(told.code)) == ("SmtpSignInRefused", True)
    world.smtp.server.says["AUTH"] = []
    world.saves_credentials()
    world.use_cases.send_due(SendMail.renewing(world.mailbox, world.now))
    assert len(world.left) == 4, "what waited leaves at once, and not at the time that it was put off to"
    assert world.standing.state.sending_refused == ""
    world.work()
    assert [world.mail(number).state for number in range(1, 5)] == [State.CONFIRMED] * 4


def test_a_refusal_for_now_is_counted_as_none(world: SmtpOutboxWorld) -> None:
    world.saves_credentials()
    world.smtp.server.says["AUTH"] = ["454 4.7.0 try later", "421 4.3.2 shutting down"] * 3
    world.ask()
    world.work()
    assert (world.mail().state, len(world.left), told_of(world)) == (State.CONFIRMED, 1, [])


def test_who_tests_the_mailbox_is_told_how_it_is_now_and_sending_goes_on(world: SmtpOutboxWorld) -> None:
    credentials = world.saves_credentials()
    world.smtp.server.says["AUTH"] = ["535 5.7.8 wrong"] * 3
    world.ask()
    world.work(until=timedelta(hours=2))
    assert isinstance(world.smtp.sender.probe(world.mailbox), Outcome), "the server refuses it still"
    assert world.smtp.sender.probe(world.mailbox) is None
    saved = credentials.get(TENANT, world.mailbox.mailbox_id)
    assert saved is not None
    assert (saved.smtp_refusals, saved.refusals) == (0, 0)
    world.use_cases.send_due(SendMail.renewing(world.mailbox, world.now))
    assert len(world.left) == 1


def test_a_mail_with_a_time_of_its_own_waits_for_that(world: SmtpOutboxWorld) -> None:
    world.ask(send_at=world.now + timedelta(minutes=30))
    world.use_cases.send_due(SendMail.renewing(world.mailbox, world.now))
    assert world.left == []


def test_a_mailbox_that_cannot_be_looked_through_waits(world: SmtpOutboxWorld) -> None:
    """What befalls the reading of it is told there."""
    world.smtp.folder.error = NO_FOLDER
    world.ask()
    world.work(until=timedelta(hours=3))
    assert (world.mail().state, len(world.left)) == (State.SENT, 1)
    world.smtp.folder.error = None
    world.work()
    assert (world.mail().state, len(world.left)) == (State.CONFIRMED, 1)
    assert told_of(world) == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("write", range(1, 11))
@pytest.mark.parametrize("files_copies", [False, True])
def test_a_worker_that_is_killed_anywhere_sends_no_mail_twice_and_loses_none_silently(
    world: SmtpOutboxWorld, write: int, when: str, files_copies: bool
) -> None:
    if files_copies:
        world.smtp.files_copies()
    world.ask()
    faults = world.storage.faults
    faults.clear()
    (faults.kill_before if when == "before" else faults.kill_after)(write)
    world.work()
    left, mail = len(world.left), world.mail()
    assert left <= 1
    if mail.state is State.OUTCOME_UNKNOWN:
        assert len(told_of(world)) == 1
        assert not (left and files_copies), "its copy tells"
    else:
        assert (mail.state, left, len(world.smtp.folder.mails)) == (State.CONFIRMED, 1, 1)


def test_the_sign_in_and_the_sender_are_tried_without_a_mail(smtp: SmtpMail) -> None:
    assert smtp.sender.probe(smtp.mailbox) is None
    assert smtp.server.verbs("RCPT") == []
    smtp.server.says["MAIL"] = ["553 5.7.1 Sender address rejected"]
    assert answer(smtp.sender.probe(smtp.mailbox) or Offer()) is Answer.SENDER_REFUSED


def test_the_message_leaves_under_its_own_id(world: SmtpOutboxWorld) -> None:
    asked: OutboxMail = world.ask()
    world.work()
    [taken] = world.smtp.server.taken
    assert id_of(taken.content) == asked.message_id
    assert replace(asked, etag="").message_id == world.mail().message_id
