"""Which domain an address really belongs to, and which domains say nothing about the company of who writes.

Rests on two lists that are deployed along and read once, when first asked: the public suffix list (of the package
publicsuffixlist, no network) and free and disposable mail providers (`public_domains.txt`, see its NOTICE).
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

import idna

from shared.domain.foreign_text import guarded
from shared.domain.mail.addresses import LONGEST_MAILBOX_TEXT, domain_of, normalise

_REMEMBERED: Final = 2_000
# What is longer than an address is refused, however much longer it is.
_LONGEST: Final = LONGEST_MAILBOX_TEXT
_PROVIDERS: Final = Path(__file__).with_suffix(".txt")

# Providers that the list lacks: mail, aliases, forwarding, Internet access.
_MORE_PROVIDERS: Final = (
    "hey.com tuta.com tutanota.com mailbox.org telus.net sympatico.ca hinet.net talktalk.net bbox.fr proximus.be "
    "telia.com bredband.net passagen.se comhem.se tele2.se tdcadsl.dk stofanet.dk youmail.dk "
    "duck.com mozmail.com relay.firefox.com privaterelay.appleid.com simplelogin.com simplelogin.co simplelogin.fr "
    "aleeas.com slmail.me anonaddy.com anonaddy.me addy.io 33mail.com passmail.net passinbox.com passfwd.com"
)
# Hosts that send for others, with everything below them: the customer's name, a region, a server.
_HOST_NAMES: Final = (
    "onmicrosoft.com amazonses.com sendgrid.net sendgrid.com mailgun.org mailgun.net mandrillapp.com mcsv.net "
    "mcdlv.net rsgsv.net sparkpostmail.com mtasv.net sender-sib.com hubspotemail.net exacttarget.com createsend.com "
    "azurecomm.net mailjet.com mjt.lu smtp2go.com elasticemail.com atlassian.net docusign.net "
    "marketplace.amazon.com marketplace.amazon.co.uk marketplace.amazon.de marketplace.amazon.fr "
    "members.ebay.com reply.craigslist.org guest.booking.com reply.github.com "
    "googlegroups.com groups.io yahoogroups.com freelists.org simplelists.com topicbox.com gaggle.email "
    "jiscmail.ac.uk list-manage.com"
)
_HOSTS: Final = frozenset(_HOST_NAMES.split())
_LIST_HOST: Final = re.compile(r"(?:lists?|listserv|mailman)\d{0,2}")


@guarded
def registrable(domain: str) -> str:
    """The part of a domain that somebody registered (`mail.fabrikam.co.uk` -> `fabrikam.co.uk`), in ASCII.

    By the public suffix list, its private section included: `bo.github.io` is one of its own. "" for what nobody
    registers: IP addresses, single labels, public suffixes themselves, and what is no domain at all.
    """
    return _registrable(domain[:_LONGEST])


@guarded
def is_shared(domain: str) -> bool:
    """Whether mail from a domain says nothing about a company. Ask with the whole domain of the address.

    So do free and disposable mail, aliases, hosts that send for others (`contoso.onmicrosoft.com`), hosts of
    mailing lists (`lists.fabrikam.example`), and every domain that nobody can register.
    """
    return _is_shared(domain[:_LONGEST])


# A mail's domains are asked for with each question about it, and the next mail's are mostly the same.
@lru_cache(maxsize=_REMEMBERED)
def _registrable(domain: str) -> str:
    name = domain_of(normalise(f"x@{domain}") or "")
    if not name or name.rpartition(".")[2].isdigit():
        return ""
    found = _suffix_rules()(_readable(name))
    return ".".join(name.split(".")[-len(found.split(".")) :]) if found else ""


@lru_cache(maxsize=_REMEMBERED)
def _is_shared(domain: str) -> bool:
    own = _registrable(domain)
    if not own:
        return True
    name = domain_of(normalise(f"x@{domain}") or "")
    # A list's host bears a company's name, but the people who write to the list are not the company.
    if name != own and _LIST_HOST.fullmatch(name.partition(".")[0]):
        return True
    above = _names_above(name)
    # A listed name above the registered domain is a suffix under which anybody may register.
    registered = [suffix for suffix in above if len(suffix) >= len(own)]
    return not _HOSTS.isdisjoint(above) or not _providers().isdisjoint(registered)


def _names_above(name: str) -> list[str]:
    """The name itself and every domain above it."""
    labels = name.split(".")
    return [".".join(labels[place:]) for place in range(len(labels))]


@cache
def _suffix_rules() -> Callable[[str], str | None]:
    """Imported here for quick starts; without encoded international suffixes, which take twice as long to build."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(accept_encoded_idn=False).privatesuffix


@cache
def _providers() -> frozenset[str]:
    return frozenset([*_PROVIDERS.read_text("ascii").split(), *_MORE_PROVIDERS.split()])


def _readable(name: str) -> str:
    if "xn--" not in name:
        return name
    try:
        return idna.decode(name)
    except UnicodeError:  # idna.IDNAError is one
        return name
