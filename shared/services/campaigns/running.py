"""Carries a campaign on: a few mails at a time into the outbox, until everybody has one or a reason why not.

Who comes next is told by the recipients' rows, and what became of a mail by the outbox. A command that is killed runs
again and asks for the same mails under the same keys, so nobody gets two; one that was lost is sent anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from shared import telemetry
from shared.domain.campaigns.campaigns import (
    MOST_WAITING,
    Campaign,
    CampaignMail,
    CampaignState,
    Figures,
    Recipient,
    Share,
    figures,
)
from shared.domain.campaigns.consent import Reason, left_out
from shared.domain.campaigns.plans import filled_for, person_of
from shared.domain.commands.commands import RunCampaign
from shared.domain.errors import InvalidInput, WrongState
from shared.domain.mail.addresses import mailbox_key
from shared.domain.records.records import RecordRef
from shared.domain.sending.outbox import CampaignPlace, Problem
from shared.domain.sending.wanted import MailWanted
from shared.ports.stores.campaigns import Campaigns
from shared.ports.stores.connections import Organisations
from shared.ports.stores.sending import Outbox
from shared.ports.work import Clock, CommandQueue, Leases
from shared.services.campaigns.asking import ChooseMailbox, command_for, with_link
from shared.services.campaigns.consent import AskConsent, Verdict
from shared.services.campaigns.headers import LookAtHeaders
from shared.services.campaigns.links import MakeLink
from shared.services.conflicts import persistently
from shared.services.sending.asking import AskToSend

# At thirty mails a minute a mailbox sends ten in this time: the outbox is never empty for long. Seconds.
AGAIN: Final = 20.0
# A campaign that has not moved for so long has lost its command.
STUCK: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class RunCampaigns:
    """Ask for the next mails, note who is left out, and end the campaign when its rows say so. Safe to run twice."""

    campaigns: Campaigns
    outbox: Outbox
    leases: Leases
    ask_consent: AskConsent
    ask_to_send: AskToSend
    choose_mailbox: ChooseMailbox
    make_link: MakeLink
    look_at_headers: LookAtHeaders
    queue: CommandQueue
    clock: Clock

    def __call__(self, command: RunCampaign) -> None:
        """Raises TransientError where storage fails; the command then runs again."""
        campaign = self.campaigns.get(command.tenant_id, command.campaign)
        if campaign is None or command.turn < campaign.turn or not _goes_on(campaign):
            telemetry.event("campaign_command_dropped", campaign=command.campaign)
            return
        lease = self.leases.take(command.tenant_id, f"campaign~{command.campaign}")
        if lease is None:
            return
        try:
            self._turn(campaign)
        finally:
            lease.release()

    def _turn(self, campaign: Campaign) -> None:
        mails = list(self.outbox.of_campaign(campaign.tenant_id, campaign.id))
        reached, problem = self._ask_for_some(campaign, mails)
        sums = self._figures(campaign) if reached is None else None
        survive = self.look_at_headers(campaign, mails)
        is_done = sums is not None and sums.is_done
        is_looked_at = survive is not None or (sums is not None and not sums.shares[Share.SENT])
        is_over = problem is not None or (is_done and (is_looked_at or self._has_waited(campaign)))
        # Ahead of the row: whoever is killed between the two leaves a command that finds its turn.
        if not is_over:
            following = replace(command_for(campaign, self.clock), turn=campaign.turn + 1)
            self.queue.send(following, delay=AGAIN)
        self._note(campaign, reached or 0, problem, survive, is_done=is_done)

    def _has_waited(self, campaign: Campaign) -> bool:
        """Whether the first sent copy has been looked for long enough."""
        return campaign.ended_at is not None and campaign.ended_at + STUCK < self.clock()

    def _ask_for_some(
        self, campaign: Campaign, mails: Sequence[CampaignMail]
    ) -> tuple[int | None, Problem | None]:
        """Where to look on, None at the end of the list; and what keeps the campaign from going on."""
        room = MOST_WAITING - sum(mail.share is Share.ON_ITS_WAY for mail in mails)
        if room <= 0 or not campaign.is_running:
            return (campaign.reached, None) if campaign.is_running else (None, None)
        rows = self.campaigns.recipients(campaign, limit=room, after=campaign.reached - 1, waiting=True)
        decided, problem = self._decided(campaign, rows, {mail.number: mail.mail_id for mail in mails})
        if decided:
            self.campaigns.put_recipients(campaign, decided)
        if problem is not None:
            return campaign.reached, problem
        return (rows[-1].number + 1 if len(rows) == room else None), None

    def _decided(
        self, campaign: Campaign, rows: Sequence[Recipient], standing: Mapping[int, str]
    ) -> tuple[list[Recipient], Problem | None]:
        """`standing` are the mails of the campaign by number: whoever was killed has not noted some of them."""
        verdicts = self.ask_consent(campaign.tenant_id, rows) if rows else []
        decided: list[Recipient] = []
        for row, verdict in zip(rows, verdicts, strict=True):
            if row.number in standing:
                decided.append(replace(row, mail_id=standing[row.number]))
                continue
            try:
                decided.append(self._outcome(campaign, row, verdict))
            except WrongState as error:
                # The mailbox cannot send: nobody else gets a mail either.
                return decided, Problem("mailbox_cannot_send", str(error))
        return decided, None

    def _outcome(self, campaign: Campaign, row: Recipient, verdict: Verdict) -> Recipient:
        if verdict.reason is not None:
            return replace(row, left_out=verdict.reason)
        return self._asked(campaign, row, verdict.contacts)

    def _asked(self, campaign: Campaign, row: Recipient, contacts: Sequence[RecordRef]) -> Recipient:
        url = self.make_link(campaign.tenant_id, campaign.id, row.address)
        # By address: however a list was written, an address has one key.
        key = f"campaign {campaign.id} {mailbox_key(row.address)}"
        try:
            taken = self.ask_to_send(campaign.caller, _mail(campaign, row, contacts, url), key)
        except WrongState:
            raise
        except InvalidInput as error:
            self._check_mailbox(campaign)
            return replace(row, left_out=left_out(Reason.REFUSED, str(error)[:500]))
        return replace(row, mail_id=taken.mail.id)

    def _check_mailbox(self, campaign: Campaign) -> None:
        """Raises WrongState where no mail of the campaign can leave: what was refused was not this mail alone."""
        try:
            self.choose_mailbox(campaign.caller, campaign)
        except InvalidInput as error:
            raise WrongState(str(error)) from error

    def _figures(self, campaign: Campaign) -> Figures:
        mails = self.outbox.of_campaign(campaign.tenant_id, campaign.id)
        return figures(campaign, self.campaigns.reasons(campaign), mails)

    def _note(
        self,
        campaign: Campaign,
        reached: int,
        problem: Problem | None,
        survive: bool | None,
        *,
        is_done: bool,
    ) -> None:
        """What this turn has found, on the row as it stands: a person may have paused it meanwhile."""

        def once() -> Campaign:
            current = self.campaigns.get(campaign.tenant_id, campaign.id)
            if current is None or current.turn != campaign.turn:
                return campaign
            now = self.clock()
            changed = replace(
                current, reached=reached, turn=current.turn + 1, touched_at=now, headers_survive=survive
            )
            if problem is not None and changed.is_running:
                changed = changed.paused(problem)
            elif is_done and changed.is_running:
                changed = changed.done(now)
            return self.campaigns.save(changed)

        noted = persistently(once)
        if noted.has_ended or problem is not None:
            telemetry.event("campaign_ended" if noted.has_ended else "campaign_paused", campaign=campaign.id)


@dataclass(frozen=True, slots=True)
class WakeCampaigns:
    """Send each running campaign that has stood still its command anew: the last one was lost."""

    organisations: Organisations
    campaigns: Campaigns
    queue: CommandQueue
    clock: Clock

    def __call__(self) -> None:
        since = self.clock() - STUCK
        for organisation in self.organisations.all():
            for campaign in self.campaigns.running(organisation.tenant_id):
                if (campaign.touched_at or campaign.created_at) < since:
                    telemetry.event("campaign_taken_up", campaign=campaign.id)
                    self.queue.send(command_for(campaign, self.clock))


def _goes_on(campaign: Campaign) -> bool:
    """Whether there is anything to do: the headers of the first copy may come behind the last mail."""
    is_done = campaign.state is CampaignState.DONE
    return campaign.is_running or (is_done and campaign.headers_survive is None)


def _mail(campaign: Campaign, row: Recipient, contacts: Sequence[RecordRef], url: str) -> MailWanted:
    filled = filled_for(campaign.template, row, url)
    if filled.missing:
        raise InvalidInput(f"Values are missing: {', '.join(filled.missing)}.")
    mail = with_link(filled, url)
    return MailWanted(
        to=(person_of(row),),
        subject=mail.subject,
        html=mail.html,
        text=mail.text,
        records=(*contacts, *row.records),
        sender=campaign.sender,
        agent=campaign.agent,
        purpose=campaign.purpose,
        campaign=CampaignPlace(campaign.id, row.number, url),
    )
