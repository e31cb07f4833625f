"""How mail leaves: what Exchange checks at once, what it makes of the MIME, and what comes behind the 202."""

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.utils import format_datetime

from dev.simulator.content import Content
from dev.simulator.drafts import for_the_wire, name_sender, new_message_id
from dev.simulator.errors import GraphError
from dev.simulator.items import StoredMessage, stamp
from dev.simulator.mailbox import Mailbox
from dev.simulator.mime import read_mail
from dev.simulator.routing import Context
from dev.simulator.sending_limits import Sent
from dev.simulator.world import Departure, World

_MAX_RECIPIENTS = 500
# Exchange drops or rewrites these, whatever the MIME says.
_DROPPED = ("List-Unsubscribe", "List-Unsubscribe-Post", "Precedence")


def depart(context: Context, draft: StoredMessage, *, save: bool) -> None:
    """Checks what Exchange checks at once; transport follows in the background. Raises GraphError 400, 403, 429."""
    now = datetime.now(UTC)
    _, _, recipients = for_the_wire(draft, now)
    if len(recipients) > _MAX_RECIPIENTS:
        raise GraphError(400, "ErrorExceededMaxRecipientLimit", "The message has more than 500 recipients.")
    _check_sender(context, draft)
    sent = context.world.sent.setdefault(context.mailbox.address, Sent())
    sent.check(len(recipients), context.habits, now)
    draft.draft_fields["_sending"] = True
    context.notifier.background(_transport(context, draft, save=save))


def _check_sender(context: Context, draft: StoredMessage) -> None:
    """Who sends from a mailbox needs Send As or Send on Behalf there. Raises GraphError 403."""
    user, named = context.user, draft.content.from_
    sender = context.world.directory.by_address(named.address) if named else user
    if sender is None or sender.tenant_id != context.tenant_id:
        raise _send_as_denied()
    if context.bearer.may_send_as(user, sender):
        return
    if not context.bearer.may_send_on_behalf(user, sender):
        raise _send_as_denied()
    acting = context.world.directory.by_address(context.bearer.account) or user
    name_sender(context.mailbox, draft, acting)


def _send_as_denied() -> GraphError:
    return GraphError(
        403,
        "ErrorSendAsDenied",
        "The user account which was used to submit this request does not have the right to send mail "
        "on behalf of the specified sending account.",
    )


async def _transport(context: Context, draft: StoredMessage, *, save: bool) -> None:
    world, mailbox = context.world, context.mailbox
    await asyncio.sleep((world.habits.send_delay_ms + world.habits.hold_send_ms) / 1000)
    # Its owner may have sent or deleted it meanwhile.
    if not draft.is_draft or draft.folder.well_known != "drafts":
        return
    now = datetime.now(UTC)
    content, raw, recipients = for_the_wire(draft, now)
    raw = _as_submitted(raw, world)
    if not world.habits.keeps_headers:
        content = _without_dropped(content)
    if not world.habits.keeps_message_id:
        draft.internet_message_id = str(message_from_bytes(raw)["Message-ID"])
        content = _with_message_id(content, draft.internet_message_id)
    mailbox.rewrite(draft, content)
    leaving = Departure(
        stamp(now), mailbox.address, recipients, draft.internet_message_id, content.subject, raw
    )
    world.outbound.append(leaving)
    if save:
        mailbox.become_sent(draft, keep_immutable_id=world.habits.draft_keeps_immutable_id, now=now)
    else:
        mailbox.delete(draft, now)
    world.deliver_internally(mailbox, raw, recipients)
    if world.habits.reports:
        _report_unknown(world, mailbox, leaving)


def _as_submitted(raw: bytes, world: World) -> bytes:
    """The mail as Exchange hands it on."""
    message = message_from_bytes(raw)
    if not world.habits.keeps_headers:
        for name in _DROPPED:
            del message[name]
    if not world.habits.keeps_message_id:
        message.replace_header("Message-ID", new_message_id())
    return message.as_bytes()


def _without_dropped(content: Content) -> Content:
    """The sender's copy has no header either that the mail has lost."""
    dropped = {name.lower() for name in _DROPPED}
    kept = tuple((name, value) for name, value in content.headers if name.lower() not in dropped)
    return replace(content, headers=kept)


def _with_message_id(content: Content, message_id: str) -> Content:
    others = [(name, value) for name, value in content.headers if name.lower() != "message-id"]
    return replace(content, headers=(("Message-ID", message_id), *others))


def _report_unknown(world: World, mailbox: Mailbox, leaving: Departure) -> None:
    """A report of non-delivery to the sender, for recipients whom a domain of ours does not know."""
    for recipient in leaving.recipients:
        if world.directory.serves(recipient) and world.directory.by_address(recipient) is None:
            now = datetime.now(UTC)
            raw = _report(mailbox.address, recipient, leaving, now)
            inbox = mailbox.well_known["inbox"]
            mailbox.add(read_mail(raw), inbox, received=now, origin="inbound", now=now)


def _report(sender: str, recipient: str, leaving: Departure, now: datetime) -> bytes:
    boundary = uuid.uuid4().hex
    report = EmailMessage()
    report["From"], report["To"] = "Microsoft Outlook <postmaster@outlook.example>", sender
    report["Subject"] = f"Undeliverable: {leaving.subject}"
    report["Message-ID"], report["Date"] = new_message_id(), format_datetime(now)
    report["Content-Type"] = f'multipart/report; report-type=delivery-status; boundary="{boundary}"'
    headers = leaving.raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("utf-8", "replace")
    parts = (
        f"Content-Type: text/plain\n\nYour message to {recipient} could not be delivered.\n",
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; server.outlook.example\n\n"
        f"Final-Recipient: rfc822; {recipient}\nAction: failed\nStatus: 5.1.10\n",
        f"Content-Type: text/rfc822-headers\n\n{headers}\n",
    )
    body = "".join(f"--{boundary}\n{part}" for part in parts) + f"--{boundary}--\n"
    return report.as_bytes().rstrip(b"\n") + b"\n\n" + body.encode()
