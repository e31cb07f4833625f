"""Users as the organisation's directory knows them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DirectoryUser:
    """A user as the directory knows it; addresses are normalised."""

    user_id: str
    address: str
    aliases: tuple[str, ...] = ()
