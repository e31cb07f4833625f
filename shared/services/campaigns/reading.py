"""Campaigns as their owners see them: listed, read with their figures, paused, resumed and cancelled."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from shared import telemetry
from shared.domain.campaigns.campaigns import (
    Campaign,
    CampaignMail,
    Figures,
    Recipient,
    figures,
)
from shared.domain.errors import Unknown, WrongState
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller
from shared.domain.sending import transitions
from shared.domain.sending.states import State
from shared.ports.stores.campaigns import Campaigns
from shared.ports.stores.sending import Outbox
from shared.ports.work import Clock, CommandQueue
from shared.services.campaigns.asking import command_for
from shared.services.conflicts import persistently
from shared.services.sending.change_mail import ChangeMail
from shared.services.sending.outbox import CancelMail
from shared.services.sending.outbox import command_for as send_command

_UNKNOWN: Final = "There is no such campaign of yours. GET campaigns lists what there is."
_CANCELLABLE: Final = (State.QUEUED, State.HELD, State.DRAFTED)


@dataclass(frozen=True, slots=True)
class ShownRecipient:
    """A recipient with the mail that it has in the outbox, if it has one."""

    recipient: Recipient
    mail: CampaignMail | None


@dataclass(frozen=True, slots=True)
class ReadCampaigns:
    """An admin sees all campaigns, others those that they asked for."""

    campaigns: Campaigns
    outbox: Outbox

    def __call__(self, caller: Caller, campaign_id: str) -> Campaign:
        """Raises Unknown, also for a campaign that the caller may not see."""
        caller.needs(AGENT, ADMIN, SERVICE)
        campaign = self.campaigns.get(caller.tenant_id, campaign_id)
        if campaign is None or not _sees(caller, campaign):
            raise Unknown(_UNKNOWN)
        return campaign

    def figures(self, campaign: Campaign) -> Figures:
        """Sums of rows as they are now: two requests for each thousand recipients."""
        mails = self.outbox.of_campaign(campaign.tenant_id, campaign.id)
        return figures(campaign, self.campaigns.reasons(campaign), mails)

    def page(self, caller: Caller, *, limit: int, after: str) -> tuple[list[Campaign], str]:
        """Newest first, and where the next page begins. A page may be short: others' campaigns are left out."""
        caller.needs(AGENT, ADMIN, SERVICE)
        found, following = self.campaigns.page(caller.tenant_id, limit=limit, after=after)
        return [campaign for campaign in found if _sees(caller, campaign)], following

    def recipients(
        self, caller: Caller, campaign_id: str, *, limit: int, after: int
    ) -> tuple[Campaign, list[ShownRecipient], int | None]:
        """In the order of the list, and the number behind which the next page begins, None at the end."""
        campaign = self(caller, campaign_id)
        rows = self.campaigns.recipients(campaign, limit=limit + 1, after=after)
        shown = rows[:limit]
        numbers = {row.number for row in shown}
        every = self.outbox.of_campaign(campaign.tenant_id, campaign.id)
        mails = {mail.number: mail for mail in every if mail.number in numbers}
        following = shown[-1].number if len(rows) > limit else None
        return campaign, [ShownRecipient(row, mails.get(row.number)) for row in shown], following


@dataclass(frozen=True, slots=True)
class DecideOnCampaign:
    """Pause, resume or cancel a campaign; what is being handed to a server goes on. Asked twice, it is done once."""

    read: ReadCampaigns
    campaigns: Campaigns
    outbox: Outbox
    change: ChangeMail
    cancel_mail: CancelMail
    queue: CommandQueue
    clock: Clock

    def pause(self, caller: Caller, campaign_id: str) -> Campaign:
        """Raises Unknown, and WrongState for one that has ended."""
        return self._changed(self.read(caller, campaign_id), lambda campaign: campaign.paused())

    def resume(self, caller: Caller, campaign_id: str) -> Campaign:
        """Raises likewise. Mails that wait in the outbox for it are looked at at once."""
        now = self.clock()
        campaign = self._changed(self.read(caller, campaign_id), lambda campaign: campaign.resumed(now))
        self.queue.send(command_for(campaign, self.clock))
        for mail in self.outbox.of_campaign(campaign.tenant_id, campaign.id):
            if mail.state is State.HELD:
                self._release(campaign, mail)
        return campaign

    def cancel(self, caller: Caller, campaign_id: str) -> Campaign:
        """Raises likewise. The row first: a mail whose turn comes meanwhile finds it."""
        now = self.clock()
        campaign = self._changed(self.read(caller, campaign_id), lambda campaign: campaign.cancelled(now))
        for mail in self.outbox.of_campaign(campaign.tenant_id, campaign.id):
            if mail.state in _CANCELLABLE:
                self._cancel(caller, mail)
        return campaign

    def _release(self, campaign: Campaign, mail: CampaignMail) -> None:
        held = self.outbox.get(campaign.tenant_id, mail.mail_id)
        if held is not None and held.state is State.HELD:
            # It stays held until its mailbox looks at it, which may have reasons of its own.
            self.change(held, transitions.postponed(self.clock()))
            self.queue.send(send_command(held, self.clock))

    def _cancel(self, caller: Caller, mail: CampaignMail) -> None:
        try:
            self.cancel_mail(caller, mail.mail_id)
        except (Unknown, WrongState) as error:
            # It left, or ended, while this was asked.
            telemetry.event("campaign_mail_not_cancelled", mail=mail.mail_id, why=type(error).__name__)

    def _changed(self, campaign: Campaign, change: Callable[[Campaign], Campaign]) -> Campaign:
        def once() -> Campaign:
            current = self.campaigns.get(campaign.tenant_id, campaign.id) or campaign
            changed = change(current)
            return current if changed == current else self.campaigns.save(changed)

        return persistently(once)


def _sees(caller: Caller, campaign: Campaign) -> bool:
    is_theirs = caller.audit_name == campaign.caller.audit_name
    is_agent = not caller.app_only and bool(campaign.agent) and caller.address == campaign.agent
    return ADMIN in caller.roles or is_theirs or is_agent
