"""Extended properties of Graph's items: those that are asked for, and how an answer is read."""

from typing import Final

from shared.adapters.graph.session import Json
from shared.domain.foreign_text import LONGEST_REFERENCES, taken
from shared.domain.sending.marks import TAG_HEADER

# PidTagSensitivity, PidTagInReplyToId, PidTagInternetReferences: sent and internal mail has them here only.
SENSITIVITY: Final = "Integer 0x0036"
IN_REPLY_TO: Final = "String 0x1042"
REFERENCES: Final = "String 0x1039"
# A named property of ours, which Exchange keeps with the item wherever it goes, and gives to no recipient.
TAG: Final = "String {3f1c7a52-8d0e-4b6f-9a41-6c2d5e7b9f10} Name PostledgerTag"
# A header of submitted MIME lies with the item as a property of this set, its name in lower case (MS-OXCMAIL 2.2.3.2,
# MS-OXCPRPT 3.2.5.9). Recipients see the header, so that it proves less than the property of ours.
TAG_IN_HEADER: Final = f"String {{00020386-0000-0000-c000-000000000046}} Name {TAG_HEADER.lower()}"
ASKED: Final = (SENSITIVITY, IN_REPLY_TO, REFERENCES, TAG, TAG_IN_HEADER)


def extended_properties(entry: Json) -> dict[str, str]:
    """The single-value extended properties, by normalised id."""
    return {
        property_id(taken(str(item.get("id") or ""))): taken(str(item.get("value") or ""), LONGEST_REFERENCES)
        for item in entry.get("singleValueExtendedProperties") or ()
    }


def extended_property(entry: Json, name: str) -> str:
    """One extended property's value; '' when there is none."""
    return extended_properties(entry).get(property_id(name), "")


def property_id(text: str) -> str:
    """`String 0x0037` and `String 0x37` are the same: Graph answers without leading zeros."""
    kind, _, tag = text.partition(" ")
    try:
        return f"{kind.casefold()} {int(tag, 16):x}"
    except ValueError:
        return text.casefold()
