"""What takes persons, organisations and expired mail away, put together from the adapters of one process."""

from collections.abc import Callable

from shared.bootstrap.adapters import Adapters
from shared.ports.work import Clock
from shared.services.filing.change_by_person import ChangeByPerson
from shared.services.filing.change_message import ChangeMessage
from shared.services.privacy.deletion import DeleteOrganisation
from shared.services.privacy.erasing import EraseMessages, ErasePerson
from shared.services.privacy.retention import ApplyRetention
from shared.services.privacy.taking_away import RunTakeAway


def taking_away(parts: Adapters, new_id: Callable[[], str], clock: Clock) -> RunTakeAway:
    """The use case behind the queue `erasure`."""
    change_message = ChangeMessage(parts.messages)
    change_by_person = ChangeByPerson(parts.messages, change_message, parts.inbox, parts.queue, new_id)
    return RunTakeAway(
        person=ErasePerson(
            erasures=parts.erasures,
            erase_messages=EraseMessages(
                parts.erasures, parts.messages, parts.records, change_message, change_by_person, clock
            ),
            records=parts.records,
            holdings=parts.holdings,
            queue=parts.queue,
            clock=clock,
            hash_key=parts.settings.hash_key,
        ),
        organisation=DeleteOrganisation(
            organisations=parts.organisations,
            erasures=parts.erasures,
            subscriptions=parts.subscriptions,
            source=parts.subscription_source,
            holdings=parts.holdings,
            queue=parts.queue,
            clock=clock,
            hash_key=parts.settings.hash_key,
        ),
        expired=ApplyRetention(
            organisations=parts.organisations,
            mailboxes=parts.mailboxes,
            messages=parts.messages,
            sightings=parts.sightings,
            change_by_person=change_by_person,
            queue=parts.queue,
            clock=clock,
        ),
    )
