"""The HTML that an agent or the CRM wrote: it leaves as it is, or it is refused with what is unsafe in it.

It is never changed in silence. What is quoted below it is another matter, and cleaned.
"""

import re
from collections.abc import Iterator
from typing import Final

from resiliparse.parse.html import ElementNode, HTMLTree

from shared.domain.foreign_text import guarded
from shared.domain.mail.html import too_much

# What runs, frames another page, moves every link, or asks for input. Mail programs drop it or warn of it.
_UNSAFE_NAMES: Final = (
    "script iframe frame frameset object embed applet base form input button select textarea"
)
_ADDRESS_NAMES: Final = "href src action formaction background poster xlink:href data srcset"
_UNSAFE: Final = frozenset(_UNSAFE_NAMES.split())
_ADDRESSES: Final = frozenset(_ADDRESS_NAMES.split())
_RUNS: Final = re.compile(r"(?:javascript|vbscript|livescript|mocha|data:(?!image/))", re.IGNORECASE)
_IGNORED_IN_URLS: Final = re.compile(r"[\x00-\x20\x7f-\x9f]+")
MOST_NAMED: Final = 5


@guarded
def unsafe_in(html: str) -> tuple[str, ...]:
    """What makes an HTML text unsafe to send, in words, at most five; empty for what may leave as it is.

    Text that would cost too much to look through counts as unsafe.
    """
    reason = too_much(html)
    if reason:
        return ("more than can be checked",)
    root = HTMLTree.parse(html.encode("utf-8", "ignore").decode("utf-8")).document
    found: dict[str, None] = {}
    for element in root.query_selector_all("*") if root is not None else ():
        found |= dict.fromkeys(_faults(element))
        if len(found) >= MOST_NAMED:
            break
    return tuple(found)[:MOST_NAMED]


def _faults(element: ElementNode) -> Iterator[str]:
    if element.tag in _UNSAFE:
        yield f"<{element.tag}>"
    for name in element.attrs:
        value = element.getattr(name) or ""
        if name.startswith("on"):
            yield f"the attribute {name[:40]}"
        elif name in _ADDRESSES and _RUNS.match(_IGNORED_IN_URLS.sub("", value)):
            yield f"an address in {name} that runs"
        elif element.tag == "meta" and name == "http-equiv" and value.strip().lower() == "refresh":
            yield "<meta http-equiv=refresh>"
