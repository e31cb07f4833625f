"""Carries out a TakeAway: of a person, of an organisation, or of what is older than it may be kept."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.domain.commands.commands import EXPIRED, ORGANISATION, PERSON, TakeAway
from shared.domain.errors import MalformedCommand
from shared.services.privacy.deletion import DeleteOrganisation
from shared.services.privacy.erasing import ErasePerson
from shared.services.privacy.retention import ApplyRetention


@dataclass(frozen=True, slots=True)
class RunTakeAway:
    """Takes one page away. Raises MalformedCommand unless the command names one of the three."""

    person: ErasePerson
    organisation: DeleteOrganisation
    expired: ApplyRetention

    def __call__(self, command: TakeAway) -> None:
        runs: dict[str, Callable[[TakeAway], None]] = {
            PERSON: self.person,
            ORGANISATION: self.organisation,
            EXPIRED: self.expired,
        }
        run = runs.get(command.what)
        if run is None:
            raise MalformedCommand(f"'{command.what}' is nothing that is taken away")
        run(command)
