"""Which network addresses a customer may name: public ones, and those of networks that the deployment opens.

The registries are IANA's (RFC 6890) with what clouds added to them. Decides on addresses, never on names.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# Services of the cloud's own at public addresses: Azure's wire server, and where the clouds keep their metadata.
_OF_CLOUDS: Final = frozenset(map(ip_address, ("168.63.129.16", "169.254.169.254", "fd00:ec2::254")))
# Not all of them are private by the registry of each version of Python.
_CLOSED: Final = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
            "::/8",
            "100::/64",
            "2001::/23",
            "2001:db8::/32",
            "3fff::/20",
            "5f00::/16",
            "fc00::/7",
            "fe80::/9",
            "ff00::/8",
        ),
    )
)
# Each carries an IPv4 address to which it leads: NAT64 (RFC 6052, 8215) and 6to4 (RFC 3056).
_NAT64: Final = ip_network("64:ff9b::/96")
_LOCAL_NAT64: Final = ip_network("64:ff9b:1::/48")


def networks_of(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks as `10.0.0.0/8`. Raises ValueError."""
    return tuple(ip_network(text) for text in texts)


def may_be_reached(text: str, opened: Sequence[Network] = ()) -> bool:
    """Whether a connection to this address may be made. What is no address may not be reached."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    addresses = (address, *_carried(address))
    if any(found in _OF_CLOUDS for found in addresses):
        return False
    return all(is_in(found, opened) or _is_public(found) for found in addresses)


def is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and (address.ipv4_mapped is not None or address in _NAT64):
        # The address that it carries is looked at by itself.
        return True
    return address.is_global and not is_in(address, _CLOSED)


def _carried(address: Address) -> tuple[IPv4Address, ...]:
    if not isinstance(address, IPv6Address):
        return ()
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address in _NAT64 or address in _LOCAL_NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    return ()
