"""Campaigns over fakes: contacts, a mailbox that sends, and workers that may be killed at every write."""

from collections import Counter
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

from shared.domain.campaigns.campaigns import Campaign, Figures, Share
from shared.domain.campaigns.plans import CampaignWanted, PersonWanted
from shared.domain.commands.commands import RunCampaign
from shared.domain.mail.templates import MailTemplate
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller
from shared.domain.records.records import Record
from shared.services.campaigns.running import STUCK
from tests.builders import AGENT as ANN
from tests.builders import TENANT, a_record, an_organisation, rewrite
from tests.fakes.faults import Killed
from tests.unit.services.sending.outbox_world import OutboxWorld

OID = "aaaaaaaa-1111-4111-8111-111111111111"
OF_ANN = Caller(TENANT, frozenset({AGENT}), oid=OID, address=ANN)
OTHER = Caller(TENANT, frozenset({AGENT}), oid="other", address="other@contoso.example")
BOSS = Caller(TENANT, frozenset({ADMIN}), oid="boss", address="boss@contoso.example")
CRM = Caller(TENANT, frozenset({SERVICE}), client_id="crm", app_only=True)
TEMPLATE = MailTemplate("News for {{ name }}", "<p>Dear {{ name }},</p>", "Dear {{ name }},")


class CampaignWorld(OutboxWorld):
    """`run` lets workers come until nothing moves; a killed one leaves its leases behind for others to take."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.storage.organisations.change(an_organisation(own_domains=("contoso.example",)))
        self.mailbox = rewrite(self.storage.mailboxes, self.mailbox, agent_id=OID)
        self.storage.faults.clear()

    def contacts(self, count: int, **changes: Any) -> list[str]:
        """Contacts C-1, C-2 ... with an address each."""
        records = [self.contact(number, **changes) for number in range(1, count + 1)]
        self.storage.records.put_many(TENANT, records)
        self.storage.faults.clear()
        return [record.ref.id for record in records]

    @staticmethod
    def contact(number: int, **changes: Any) -> Record:
        fields = {"addresses": (address(number),), "name": f"Person {number}", "client": "", **changes}
        return a_record(f"contact/C-{number}", **fields)

    def wanted(self, contacts: list[str], **changes: Any) -> CampaignWanted:
        people = tuple(PersonWanted(contact) for contact in contacts)
        return CampaignWanted(**{"name": "Spring", "template": TEMPLATE, "people": people, **changes})

    def begin(
        self, contacts: list[str], key: str = "key", caller: Caller = OF_ANN, **changes: Any
    ) -> Campaign:
        return self.use_cases.ask_campaign(caller, self.wanted(contacts, **changes), key)

    def step(self) -> bool:
        """One worker: the next command of a campaign, then the outbox. Whether it lived."""
        self.restart()
        self.now += timedelta(seconds=20)
        try:
            for command in self._taken():
                self.use_cases.run_campaign(command)
            self.send()
        except Killed:
            # The host gives the command back, and what the worker held ends by itself.
            self.storage.leases.held.clear()
            return False
        self._open = []
        return True

    def _taken(self) -> list[RunCampaign]:
        sent = self.storage.queue.sent
        mine = [command for command, _ in sent if isinstance(command, RunCampaign)]
        sent[:] = [(command, delay) for command, delay in sent if not isinstance(command, RunCampaign)]
        self._open = [*getattr(self, "_open", []), *mine]
        return list(self._open)

    def run(self, most: int = 200) -> None:
        for _ in range(most):
            self.step()
            if (
                all(campaign.has_ended or not campaign.is_running for campaign in self.campaigns)
                and self.is_quiet
            ):
                return
        raise AssertionError("the campaign does not end")

    @property
    def is_quiet(self) -> bool:
        return all(mail.has_ended for mail in self.storage.outbox.rows.values())

    def wake(self) -> None:
        self.now += STUCK + timedelta(minutes=1)
        self.use_cases.wake_campaigns()

    @property
    def campaigns(self) -> list[Campaign]:
        return list(self.storage.campaigns.rows.values())

    def campaign(self, campaign: Campaign) -> Campaign:
        return self.storage.campaigns.rows[TENANT, campaign.id]

    def figures(self, campaign: Campaign) -> Figures:
        return self.use_cases.read_campaigns.figures(self.campaign(campaign))

    def shares(self, campaign: Campaign) -> dict[str, int]:
        found = self.figures(campaign)
        assert sum(found.shares.values()) == found.all
        return {share.value: number for share, number in found.shares.items() if number}

    def reason(self, campaign: Campaign, contact: str) -> str:
        _, rows, _ = self.use_cases.read_campaigns.recipients(BOSS, campaign.id, limit=200, after=-1)
        [row] = [row for row in rows if row.recipient.contact == contact]
        if row.mail is not None and row.mail.share is Share.LEFT_OUT:
            return row.mail.code
        return row.recipient.left_out.reason if row.recipient.left_out else ""

    @property
    def got(self) -> Counter[str]:
        """How many mails left to each address."""
        return Counter(str(self.parsed(mime)["To"].addresses[0].addr_spec) for mime in self.outbound)

    @property
    def outbound(self) -> list[bytes]:
        return self.storage.sender.outbound

    @staticmethod
    def parsed(mime: bytes) -> Any:
        return message_from_bytes(mime, policy=policy.SMTP)


def address(number: int) -> str:
    return f"person{number}@fabrikam.example"
