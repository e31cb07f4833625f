"""Carries out a TakeAway: of a person, of an organisation, or of what is older than it may be kept."""

from dataclasses import dataclass

from shared.domain.commands.commands import EXPIRED, ORGANISATION, PERSON, TakeAway
from shared.domain.errors import MalformedCommand
from shared.services.privacy.deletion import DeleteOrganisation
from shared.services.privacy.erasing import ErasePerson
from shared.services.privacy.retention import ApplyRetention


@dataclass(frozen=True, slots=True)
class RunTakeAway:
    """One page of whatever is asked for. Raises MalformedCommand for what is none of the three."""

    person: ErasePerson
    organisation: DeleteOrganisation
    expired: ApplyRetention

    def __call__(self, command: TakeAway) -> None:
        match command.what:
            case one if one == PERSON:
                self.person(command)
            case one if one == ORGANISATION:
                self.organisation(command)
            case one if one == EXPIRED:
                self.expired(command)
            case _:
                raise MalformedCommand(f"'{command.what}' is nothing that is taken away")
