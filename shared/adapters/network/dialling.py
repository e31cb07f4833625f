"""Connections to servers that a customer names: to public addresses only, and to ports of mail.

A name is resolved once, what it resolves to is looked at, and the connection is made to that very address: a name that
leads elsewhere a moment later leads nowhere here. All spellings of an address come to the same one by then.
"""

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from contextlib import suppress
from ipaddress import ip_address
from threading import Thread
from typing import Final

from shared.domain.connections.public_addresses import Network, is_in, may_be_reached
from shared.domain.errors import AccessDenied, Unavailable

# IMAP, submission and SMTP, encrypted from the first octet or later, with the ports that providers add for those whose
# own network closes these.
MAIL_PORTS: Final = frozenset((25, 143, 465, 587, 993, 2465, 2525, 2587))
RESOLVES_WITHIN: Final = 5.0
CONNECTS_WITHIN: Final = 10.0
MOST_ADDRESSES: Final = 4
# By this code callers tell a server that cannot be the right one.
NO_SUCH_SERVER: Final = "NoSuchServer"
_UNKNOWN: Final = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))

Resolve = Callable[[str, int], Sequence[str]]
Connect = Callable[[str, int, float], socket.socket]


class GuardedDial:
    """Implements `Dial`. `opened` are networks that the deployment opens, with all their ports."""

    def __init__(
        self,
        opened: Sequence[Network] = (),
        *,
        ports: frozenset[int] = MAIL_PORTS,
        resolve: Resolve | None = None,
        connect: Connect | None = None,
    ) -> None:
        self._opened = opened
        self._ports = ports
        self._resolve = resolve or resolved
        self._connect = connect or connected

    def __call__(self, host: str, port: int) -> socket.socket:
        """Raises AccessDenied for what may not be reached, Unavailable for what does not answer."""
        addresses = self.addresses(host, port)
        for address in addresses:
            with suppress(OSError):
                return self._checked(self._connect(address, port, CONNECTS_WITHIN))
        raise Unavailable("The mail server cannot be reached.")

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """What a name leads to, if all of it may be reached: one that also leads inside is not to be trusted."""
        found = self._resolve(host, port)[:MOST_ADDRESSES]
        if not found or not all(may_be_reached(address, self._opened) for address in found):
            raise AccessDenied("The mail server's address is not a public one.", NO_SUCH_SERVER)
        is_opened = all(is_in(ip_address(address.partition("%")[0]), self._opened) for address in found)
        if port not in self._ports and not is_opened:
            raise AccessDenied("The port is none of mail.", NO_SUCH_SERVER)
        return found

    def _checked(self, sock: socket.socket) -> socket.socket:
        """The socket, if it leads where it was to lead."""
        peer = str(sock.getpeername()[0])
        if may_be_reached(peer, self._opened):
            return sock
        sock.close()
        raise AccessDenied("The mail server's address is not a public one.", NO_SUCH_SERVER)


def is_closed(host: str, opened: Sequence[Network] = ()) -> bool:
    """Whether a host, without a look at any server, leads to where no connection is made. Other names may lead there
    as well: that shows when they are resolved.
    """
    address = _written(host)
    return bool(address) and not may_be_reached(address, opened)


def _written(host: str) -> str:
    """The address that a host spells, '' for a name that only a server can resolve."""
    # The resolver is asked for a name in this form: digits and dots of other scripts are those of ASCII by then.
    with suppress(UnicodeError):
        host = host.encode("idna").decode("ascii")
    name = host.rstrip(".").casefold()
    # RFC 6761 section 6.3.
    if name == "localhost" or name.endswith(".localhost"):
        return "127.0.0.1"
    with suppress(ValueError):
        return str(ip_address(name))
    with suppress(OSError, UnicodeError):
        # As the resolver reads it: octal and hexadecimal numbers, and fewer than four of them.
        return socket.inet_ntoa(socket.inet_aton(name))
    return ""


def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, each once. Raises AccessDenied where there is no such name, Unavailable."""
    answer: Future[list[str]] = Future()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answer.set_result([str(entry[4][0]) for entry in found])
        except (OSError, UnicodeError) as error:
            answer.set_exception(error)

    # The resolver knows no time limit: a thread that it keeps is left to it.
    Thread(target=look_up, name="resolve", daemon=True).start()
    try:
        return list(dict.fromkeys(answer.result(RESOLVES_WITHIN)))
    except Late as error:
        raise Unavailable("The mail server's name cannot be looked up for now.") from error
    except UnicodeError as error:
        raise AccessDenied("There is no mail server of this name.", NO_SUCH_SERVER) from error
    except OSError as error:
        if isinstance(error, socket.gaierror) and error.errno in _UNKNOWN:
            raise AccessDenied("There is no mail server of this name.", NO_SUCH_SERVER) from error
        raise Unavailable("The mail server's name cannot be looked up for now.") from error


def connected(address: str, port: int, within: float) -> socket.socket:
    """To an address, never to a name."""
    ip_address(address.partition("%")[0])
    return socket.create_connection((address, port), within)
