"""Takes a request for a campaign: its recipients are written, once for each key, and nothing has left before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.domain.campaigns.campaigns import Campaign, CampaignState
from shared.domain.campaigns.plans import CampaignWanted, Plan, filled_for
from shared.domain.campaigns.unsubscribing import with_way_out
from shared.domain.commands.commands import RunCampaign
from shared.domain.errors import WrongState
from shared.domain.mail.templates import FilledMail
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller
from shared.domain.sending.drafting import Addressed
from shared.domain.sending.from_addresses import Chosen
from shared.domain.sending.wanted import MailWanted, fingerprint
from shared.ports.stores.campaigns import Campaigns
from shared.ports.work import Clock, CommandQueue
from shared.services.campaigns.links import MakeLink
from shared.services.campaigns.planning import PlanCampaign
from shared.services.capture.scopes import hasher_of
from shared.services.conflicts import persistently
from shared.services.sending.asking import settled_on
from shared.services.sending.settling import FindHouse, SettleMail

_SPREAD: Final = 1_000


@dataclass(frozen=True, slots=True)
class ChooseMailbox:
    """Which mailbox a campaign leaves from, before any recipient is looked at: no client's own rule counts yet."""

    find_house: FindHouse
    settle: SettleMail

    def __call__(self, caller: Caller, wanted: CampaignWanted | Campaign) -> Chosen:
        """Raises InvalidInput, Forbidden and WrongState, each with what to do."""
        house = self.find_house(caller, wanted.agent)
        mail = MailWanted(sender=wanted.sender, agent=wanted.agent, purpose=wanted.purpose)
        return settled_on(self.settle(house, mail, Addressed()).chosen)


@dataclass(frozen=True, slots=True)
class AskCampaign:
    """Begin a campaign. Repeated under its key, it is the same one, and is begun where the first try broke off."""

    choose_mailbox: ChooseMailbox
    plan: PlanCampaign
    campaigns: Campaigns
    queue: CommandQueue
    clock: Clock
    hash_key: bytes

    def __call__(self, caller: Caller, wanted: CampaignWanted, key: str) -> Campaign:
        """Raises InvalidInput for what cannot be sent to all of them, WrongState for a key of another campaign."""
        caller.needs(AGENT, ADMIN, SERVICE)
        hasher = hasher_of(self.hash_key, caller.tenant_id)
        campaign_id = hasher("campaign", f"{caller.audit_name}\n{key}")
        request_hash = fingerprint(wanted)
        standing = self.campaigns.get(caller.tenant_id, campaign_id)
        _check_same(standing, request_hash)
        if standing is not None and standing.state is not CampaignState.PREPARING:
            return standing
        self.choose_mailbox(caller, wanted)
        plan = self.plan(caller, wanted)
        plan.check()
        campaign = standing or self.campaigns.add(self._campaign(caller, wanted, campaign_id, request_hash))
        _check_same(campaign, request_hash)
        return self._begun(campaign, plan)

    def _campaign(
        self, caller: Caller, wanted: CampaignWanted, campaign_id: str, request_hash: str
    ) -> Campaign:
        return Campaign(
            id=campaign_id,
            tenant_id=caller.tenant_id,
            name=wanted.name,
            caller=caller,
            template=wanted.template,
            created_at=self.clock(),
            sender=wanted.sender,
            agent=wanted.agent,
            purpose=wanted.purpose,
            records=wanted.records,
            request_hash=request_hash,
        )

    def _begun(self, campaign: Campaign, plan: Plan) -> Campaign:
        """The rows first, then the campaign that counts them, then the command."""
        for first in range(0, len(plan.recipients), _SPREAD):
            self.campaigns.put_recipients(campaign, plan.recipients[first : first + _SPREAD])
        begun = persistently(lambda: self._save(campaign, len(plan.recipients)))
        if begun.is_running:
            self.queue.send(command_for(begun, self.clock))
        return begun

    def _save(self, campaign: Campaign, recipients: int) -> Campaign:
        current = self.campaigns.get(campaign.tenant_id, campaign.id) or campaign
        begun = current.begun(recipients, self.clock())
        return current if begun == current else self.campaigns.save(begun)


@dataclass(frozen=True, slots=True)
class Example:
    """A mail as one recipient would get it, and the values that it lacks."""

    contact: str
    address: str
    mail: FilledMail


@dataclass(frozen=True, slots=True)
class Preview:
    """From where the campaign would leave and why, ten filled mails, and the whole list."""

    sender: str
    why: str
    plan: Plan
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class PreviewCampaign:
    """A campaign as it would be; sends and writes nothing. The incomplete ones are among the examples, and first."""

    choose_mailbox: ChooseMailbox
    plan: PlanCampaign
    make_link: MakeLink

    def __call__(self, caller: Caller, wanted: CampaignWanted) -> Preview:
        """Raises InvalidInput for what no recipient could get, Forbidden and WrongState for the mailbox."""
        caller.needs(AGENT, ADMIN, SERVICE)
        chosen = self.choose_mailbox(caller, wanted)
        plan = self.plan(caller, wanted)
        examples = tuple(self._examples(caller.tenant_id, wanted, plan))
        return Preview(chosen.address, chosen.why, plan, examples)

    def _examples(self, tenant_id: str, wanted: CampaignWanted, plan: Plan) -> Sequence[Example]:
        # No campaign has this id: whoever follows the address of a preview leaves all the same.
        found = []
        for recipient in plan.examples():
            url = self.make_link(tenant_id, "0" * 32, recipient.address)
            mail = filled_for(wanted.template, recipient, url)
            found.append(Example(recipient.contact, recipient.address, with_link(mail, url)))
        return found


def with_link(mail: FilledMail, url: str) -> FilledMail:
    """The mail with the address of the way out where a reader sees it."""
    html, text = with_way_out(mail.html, mail.text, url)
    return FilledMail(mail.subject, html, text, mail.missing)


def command_for(campaign: Campaign, clock: Clock) -> RunCampaign:
    return RunCampaign(
        tenant_id=campaign.tenant_id, first_at=clock(), campaign=campaign.id, turn=campaign.turn
    )


def _check_same(standing: Campaign | None, request_hash: str) -> None:
    if standing is not None and standing.request_hash != request_hash:
        raise WrongState("This Idempotency-Key was used for another campaign. Take a new key for a new one.")
