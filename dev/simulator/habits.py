"""Switches for what sources disagree about, or what Exchange does only sometimes. By default Graph is awkward.

`PUT _control/habits` sets them; what is not named has its default.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Literal, get_args, get_type_hints

from dev.simulator.items import StoredMessage

DeltaExpand = Literal["400", "500", "ignored", "taken"]
DeltaTop = Literal["caps", "ignored", "refused"]
# Parts of a request that some back end may refuse, though the documents have them.
Part = Literal[
    "delta_headers",
    "page_size",
    "list_properties",
    "orderby",
    "content_id_cast",
    "nested_select",
    "properties",
    "folder_properties",
]


@dataclass(frozen=True, slots=True)
class Habits:
    """All switches, each at its default."""

    inbound_headers: bool = True
    internal_headers: bool = False
    sent_headers: bool = False
    """Whether `internetMessageHeaders` has anything for such mail."""
    draft_keeps_immutable_id: bool = False
    keeps_message_id: bool = False
    """Whether a mail leaves with the Message-ID that it was given."""
    keeps_headers: bool = False
    """Whether headers of submitted MIME that Exchange has a mind of its own about leave with it."""
    headers_are_properties: bool = True
    """Whether each X- header of submitted MIME lies with its item as a property, as MS-OXCMAIL 2.2.3.2 has it."""
    mime_limit: int = 2_240_000
    """Longer MIME is answered 200, and nothing is made."""
    request_limit: int = 4_000_000
    """Longer requests are answered 413."""
    messages_a_minute: int = 30
    recipients_a_day: int = 10_000
    reports: bool = True
    """Recipients whom a domain of ours does not know are reported to the sender."""
    hold_send_ms: int = 0
    """So long does a draft that is being sent lie among the drafts, in the hands of its owner."""
    plain_body_as_text: bool = False
    empty_delta_pages: bool = True
    repeated_delta_items: bool = True
    send_delay_ms: int = 20
    delta_expand: DeltaExpand = "400"
    """What a delta of messages answers to `$expand` with a `$filter` in it; ignored: as if it had not been there."""
    delta_top: DeltaTop = "caps"
    """`$top` of a delta caps the whole round, is ignored, or is refused."""
    list_page_size: bool = False
    """Lists honour `Prefer: odata.maxpagesize`."""
    uncast_content_id: bool = False
    """`contentId` is known in a `$select` of attachments without a cast to `fileAttachment`."""
    most_ids: int = 15
    """So many may stand in `id in (...)`; 0: any number."""
    cut_properties: bool = True
    """Texts of extended properties end at 255 characters in lists."""
    proxies_by_case: bool = True
    """`proxyAddresses` are compared with case."""
    basic_subscribes: bool = False
    """Mail.ReadBasic is enough to subscribe."""
    unlisted_notify: bool = True
    """Mail in folders that no list shows is notified."""
    refuses: tuple[Part, ...] = ()
    """Parts of requests that are answered with `refusal`, whatever else is asked for."""
    refusal: Literal[400, 500] = 400

    @classmethod
    def from_json(cls, given: Mapping[str, object]) -> "Habits":
        """Raises ValueError with a sentence for a habit or value that does not exist."""
        known = {field.name for field in fields(cls)}
        if unknown := set(given) - known:
            raise ValueError(f"There is no habit called {', '.join(sorted(unknown))}.")
        listed = given.get("refuses") or ()
        if not isinstance(listed, list | tuple) or not set(listed) <= set(get_args(Part)):
            raise ValueError(f"refuses are among {', '.join(get_args(Part))}.")
        for name, hint in get_type_hints(cls).items():
            choices = get_args(hint)
            if name != "refuses" and choices and given.get(name, choices[0]) not in choices:
                raise ValueError(f"{name} is one of {', '.join(map(str, choices))}.")
        return cls(**{**given, "refuses": tuple(listed)})  # type: ignore[arg-type]

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    def shows_headers(self, message: StoredMessage) -> bool:
        if message.origin == "inbound":
            return self.inbound_headers
        return self.internal_headers if message.origin == "internal" else self.sent_headers
