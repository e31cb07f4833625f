"""The address from which a mail leaves, who may send from which mailbox, and why.

The first that says something counts: the action (`from` of the request), the client, the organisation's rule for the
purpose; then, where these mean the agent's own mailbox and there is none, the rule's fallback. A mailbox that results
and cannot send is an error: the next one is never taken silently.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.domain.connections.from_rules import SALES_MAILBOXES, FromRule, rule_for
from shared.domain.connections.mailboxes import PERSONAL, Mailbox
from shared.domain.connections.verdicts import NOT_IN_SCOPE, SENTENCES
from shared.domain.errors import InvalidInput
from shared.domain.mail.addresses import mailbox_keys, normalise
from shared.domain.records.records import Record
from shared.domain.sending.actors import Actor, is_of_a_person


class Why(StrEnum):
    """What has decided on the address."""

    ACTION = "action"
    CLIENT = "client"
    RULE = "rule"
    FALLBACK = "fallback"
    OWN = "own"


class Refusal(StrEnum):
    """CHOOSE and CONFLICT ask for a `from`; FORBIDDEN: not from this address; UNUSABLE: the mailbox cannot send now."""

    CHOOSE = "choose"
    CONFLICT = "conflict"
    FORBIDDEN = "forbidden"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The mailbox that sends, what decided so, and a sentence that says it."""

    mailbox: Mailbox
    rule: Why
    why: str

    @property
    def address(self) -> str:
        return self.mailbox.address


@dataclass(frozen=True, slots=True)
class Refused:
    """Why no mailbox sends: a sentence, and the addresses among which the agent may choose."""

    kind: Refusal
    sentence: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sender:
    """An address from which an agent may send, and why. `default`: it is taken where nothing else is said."""

    address: str
    default: bool
    why: str


@dataclass(frozen=True, slots=True)
class _Wish:
    """What was said first: an address or SALES_MAILBOXES, and who said it. `name` names it in a sentence."""

    sender: str
    rule: Why
    name: str


_OWN: Final = _Wish(SALES_MAILBOXES, Why.OWN, "Nothing else is said")


def from_address(
    asked: str,
    *,
    actor: Actor,
    purpose: str,
    clients: Iterable[Record],
    rules: Mapping[str, object],
    mailboxes: Sequence[Mailbox],
) -> Chosen | Refused:
    """The mailbox from which a mail leaves, or why none does.

    `asked` is the request's `from` ('': absent), an address or SALES_MAILBOXES; `clients` are those of the records
    that it is sent for; `rules` are the organisation's `from_rules`, `mailboxes` all its mailboxes.
    """
    rule = rule_for(rules, purpose)
    inherited = _inherited(purpose, clients, rule)
    if asked and asked != SALES_MAILBOXES:
        return _named(normalise(asked) or asked, actor, mailboxes, inherited)
    wish = _Wish(SALES_MAILBOXES, Why.ACTION, "The request") if asked else inherited
    if isinstance(wish, Refused):
        return Refused(wish.kind, wish.sentence, _addresses(senders(actor, mailboxes)))
    if wish.sender != SALES_MAILBOXES:
        return _given(wish.sender, wish, actor, mailboxes)
    own = own_mailbox(actor, mailboxes)
    if own is not None:
        return _usable(own, wish.rule, f"{wish.name}: it leaves from the own mailbox of {actor.address}.")
    if rule is not None and rule.fallback:
        return _given(rule.fallback, _Wish(rule.fallback, Why.FALLBACK, "The fallback"), actor, mailboxes)
    return _to_choose(actor, mailboxes)


def senders(actor: Actor, mailboxes: Sequence[Mailbox]) -> tuple[Sender, ...]:
    """The addresses that an agent may send from now, the default first, then by address."""
    own = own_mailbox(actor, mailboxes)
    keys = _keys(actor, mailboxes)
    found = [
        Sender(mailbox.address, mailbox == own, _reason(actor, mailbox, own))
        for mailbox in mailboxes
        if _may_choose(actor, mailbox, keys) and not unusable(mailbox)
    ]
    return tuple(sorted(found, key=lambda sender: (not sender.default, sender.address)))


def own_mailbox(actor: Actor, mailboxes: Iterable[Mailbox]) -> Mailbox | None:
    """The sales mailbox of an agent: the one with an address of theirs, else the only one that they are agent of."""
    theirs = [mailbox for mailbox in mailboxes if mailbox.kind == PERSONAL and actor.owns(mailbox)]
    bearing_their_name = [mailbox for mailbox in theirs if is_of_a_person(mailbox)]
    candidates = bearing_their_name or theirs
    return candidates[0] if len(candidates) == 1 else None


def unusable(mailbox: Mailbox) -> str:
    """A sentence that says why a mailbox cannot send; '' for one that can."""
    if mailbox.is_removed:
        return _removed(mailbox.address)
    if not mailbox.enabled:
        return f"The mailbox {mailbox.address} is paused. An admin resumes it with 'enabled': true."
    if mailbox.has_lost_access:
        said = mailbox.state.last_error or SENTENCES[NOT_IN_SCOPE]
        return f"The mailbox {mailbox.address} cannot be reached. {said}"
    return ""


def check_named(addresses: Iterable[str], mailboxes: Iterable[Mailbox]) -> None:
    """Raises InvalidInput that names each address of rules or overrides that is no captured mailbox's."""
    captured = {mailbox.address for mailbox in mailboxes if not mailbox.is_removed}
    missing = sorted({address for address in addresses if address != SALES_MAILBOXES} - captured - {""})
    if missing:
        raise InvalidInput(
            f"Mail can leave only from a captured mailbox, which is not so for: {', '.join(missing)}. Add the "
            "mailbox first, under its main address."
        )


def _inherited(purpose: str, clients: Iterable[Record], rule: FromRule | None) -> _Wish | Refused:
    """What client and organisation say, in this order."""
    said = {client: client.overrides.sender_for(purpose) for client in _once(clients)}
    saying = {client: sender for client, sender in said.items() if sender}
    if len(set(saying.values())) > 1:
        named = " and ".join(
            f"{client.name or client.ref.id} ({sender})" for client, sender in saying.items()
        )
        return Refused(
            Refusal.CONFLICT, f"The clients want different senders: {named}. Choose one with 'from'."
        )
    for client, sender in saying.items():
        return _Wish(sender, Why.CLIENT, f"The client {client.name or client.ref.id} says so")
    if rule is None:
        return _OWN
    return _Wish(rule.sender, Why.RULE, f"The organisation's rule for '{purpose}' says so")


def _once(clients: Iterable[Record]) -> list[Record]:
    return list({client.ref: client for client in clients}.values())


def _named(
    address: str, actor: Actor, mailboxes: Sequence[Mailbox], inherited: _Wish | Refused
) -> Chosen | Refused:
    """The mailbox that the request names: one that the agent may choose, or that is meant without a word."""
    mailbox = next((mailbox for mailbox in mailboxes if mailbox.address == address), None)
    if mailbox is not None and _may_choose(actor, mailbox, _keys(actor, mailboxes)):
        return _usable(mailbox, Why.ACTION, f"The request says so: it leaves from {address}.")
    if isinstance(inherited, _Wish) and inherited.sender == address:
        return _given(address, inherited, actor, mailboxes)
    choices = _addresses(senders(actor, mailboxes))
    return Refused(Refusal.FORBIDDEN, f"{actor.address} may not send from {address}.{_may(choices)}", choices)


def _given(address: str, wish: _Wish, actor: Actor, mailboxes: Sequence[Mailbox]) -> Chosen | Refused:
    """The mailbox that a client, a rule or its fallback names. It is a grant, but for a colleague's own mailbox."""
    mailbox = next((mailbox for mailbox in mailboxes if mailbox.address == address), None)
    if mailbox is None:
        return Refused(Refusal.UNUSABLE, f"{wish.name}, but: {_removed(address)}")
    if not _is_granted(actor, mailbox, mailboxes):
        sentence = (
            f"{wish.name}: it would leave from {address}, but {actor.address} is not among those who may send from "
            "that mailbox. An admin lists them in its 'senders'."
        )
        return Refused(Refusal.FORBIDDEN, sentence, _addresses(senders(actor, mailboxes)))
    return _usable(mailbox, wish.rule, f"{wish.name}: it leaves from {address}.")


def may_still_send(actor: Actor, rule: str, mailbox: Mailbox, mailboxes: Sequence[Mailbox]) -> bool:
    """Whether a mail of the agent may leave from the mailbox that `rule` once chose, as things stand now."""
    was_their_own = actor.address in mailbox.former_agents
    if was_their_own or rule in (Why.ACTION, Why.OWN):
        return _may_choose(actor, mailbox, _keys(actor, mailboxes))
    return _is_granted(actor, mailbox, mailboxes)


def _is_granted(actor: Actor, mailbox: Mailbox, mailboxes: Sequence[Mailbox]) -> bool:
    if _may_choose(actor, mailbox, _keys(actor, mailboxes)):
        return True
    # Who writes rules could else write in a colleague's name.
    return not mailbox.senders and not is_of_a_person(mailbox)


def _may_choose(actor: Actor, mailbox: Mailbox, keys: frozenset[str]) -> bool:
    listed = mailbox.tenant_id == actor.tenant_id and not keys.isdisjoint(mailbox_keys(mailbox.senders))
    return actor.owns(mailbox) or listed


def _keys(actor: Actor, mailboxes: Iterable[Mailbox]) -> frozenset[str]:
    """The addresses under which the agent may stand in a list: the sign-in name need not be the mail address."""
    found = {actor.address} - {""}
    for mailbox in mailboxes:
        if actor.has_as_own(mailbox):
            found |= {mailbox.address, *mailbox.aliases}
    return mailbox_keys(found)


def _usable(mailbox: Mailbox, rule: Why, why: str) -> Chosen | Refused:
    reason = unusable(mailbox)
    return Refused(Refusal.UNUSABLE, reason) if reason else Chosen(mailbox, rule, why)


def _to_choose(actor: Actor, mailboxes: Sequence[Mailbox]) -> Refused:
    choices = _addresses(senders(actor, mailboxes))
    return Refused(
        Refusal.CHOOSE, f"{actor.address} has no mailbox of the own to send from.{_may(choices)}", choices
    )


def _may(choices: Sequence[str]) -> str:
    if choices:
        return f" Choose with 'from': {', '.join(choices)}."
    return " There is none to choose: an admin adds one, or lists the agent in the 'senders' of one."


def _reason(actor: Actor, mailbox: Mailbox, own: Mailbox | None) -> str:
    if mailbox == own:
        return "It is the agent's own mailbox."
    if actor.owns(mailbox):
        return "The agent is the mailbox's agent."
    return "The mailbox lists the agent among its senders."


def _addresses(found: Iterable[Sender]) -> tuple[str, ...]:
    return tuple(sender.address for sender in found)


def _removed(address: str) -> str:
    return f"{address} is not a captured mailbox, or no longer one. Add it, or name another one."
