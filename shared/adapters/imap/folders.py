"""The folders of an account's own namespace (RFC 2342), with their roles; what others share with it is left out.

Of Gmail only All Mail is read, which holds each mail once, under whatever labels, and lacks spam and trash.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from shared.adapters.imap.answers import Line
from shared.adapters.imap.names import ALL, BY_USE, is_below, last_part, role_by_name
from shared.adapters.imap.sessions import Session
from shared.domain.capture.folders import Folder, Role
from shared.domain.errors import NotFound, PermanentError

_INBOX: Final = "INBOX"
_HOLDS_NONE: Final = frozenset(("\\noselect", "\\nonexistent"))
# Folders of Gmail that show what All Mail holds.
LABEL: Final = "label"
# Views of other folders' mail (RFC 6154).
_VIEWS: Final = frozenset(("\\flagged", "\\important"))


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the server's list; `name` has a character for each octet, `flags` are in lower case."""

    name: str
    separator: str
    flags: frozenset[str]

    @property
    def is_inbox(self) -> bool:
        return self.name.upper() == _INBOX

    @property
    def holds_mail(self) -> bool:
        return self.flags.isdisjoint(_HOLDS_NONE)


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Prefixes of what is the account's own, and of what others share with it."""

    own: tuple[str, ...] = ("",)
    others: tuple[str, ...] = ()

    def owns(self, name: str) -> bool:
        """The longest prefix counts: an own one may be empty, and so may one of the others."""
        if name.upper() == _INBOX:
            return True
        own, other = is_below(name, self.own), is_below(name, self.others)
        return own >= 0 and own >= other


def listed(session: Session) -> list[Folder]:
    """Every folder that can be opened and holds mail of this account."""
    return roles(_own_lines(session), has_labels=session.has_labels)


def sent(session: Session) -> tuple[str, str]:
    """Where copies of sent mail are looked for, and where they are laid. Raises NotFound where there is no such place.

    Of Gmail they are laid under its label, and looked for where all mail is read.
    """
    lines = _own_lines(session)
    everything = next((line.name for line in lines if session.has_labels and ALL in line.flags), "")
    place = next((line.name for line in lines if _told(line) is Role.SENT), "")
    named = next(
        (folder.folder_id for folder in roles(lines, has_labels=False) if folder.role is Role.SENT), ""
    )
    if not (place or named):
        raise NotFound("The mailbox has no folder of sent mail.", "NoSentFolder")
    return everything or place or named, place or named


def roles(lines: Sequence[Listed], *, has_labels: bool) -> list[Folder]:
    """The folders of these lines. A name stands for a role only where the server tells no use for that role."""
    told = {role for line in lines if (role := _told(line)) is not None}
    folders = [_folder(line, told) for line in lines if line.holds_mail]
    everything = next((line.name for line in lines if has_labels and ALL in line.flags), None)
    return folders if everything is None else [_as_label(folder, everything) for folder in folders]


def _own_lines(session: Session) -> tuple[Listed, ...]:
    namespaces = _namespaces(session)
    found = [_line(line) for line in session.ask(lambda client: client.listing())]
    return tuple(line for line in found if namespaces.owns(line.name))


def _as_label(folder: Folder, everything: str) -> Folder:
    """All Mail is the archive of all; a label that is excluded by itself stays what it is."""
    if folder.folder_id == everything:
        return replace(folder, role=Role.ARCHIVE, holds="")
    return folder if folder.excluded_as else replace(folder, role=None, holds=LABEL)


def _folder(line: Listed, told: set[Role]) -> Folder:
    role = _told(line)
    if role is None:
        named = role_by_name(last_part(line.name, line.separator))
        role = named if named not in told else None
    parent = line.name.rpartition(line.separator)[0] if line.separator else ""
    holds = next((flag.strip("\\") for flag in _VIEWS & line.flags), "")
    return Folder(line.name, parent, role, holds)


def _told(line: Listed) -> Role | None:
    if line.is_inbox:
        return Role.INBOX
    return next((role for flag, role in BY_USE.items() if flag in line.flags), None)


def _namespaces(session: Session) -> Namespaces:
    if not session.has_namespaces:
        return Namespaces()
    try:
        found = session.ask(lambda client: client.prefixes())
    except PermanentError:
        return Namespaces()
    own, *others = (tuple(map(_text, kind)) for kind in found) if found else ((),)
    return Namespaces(own or ("",), tuple(chain.from_iterable(others)))


def _line(line: Line) -> Listed:
    lower = frozenset(_text(flag).casefold() for flag in line.flags)
    return Listed(_text(line.name), _text(line.separator), lower)


def _text(octets: bytes) -> str:
    """A character for each octet, so that the name goes back as it came."""
    return octets.decode("latin-1")
