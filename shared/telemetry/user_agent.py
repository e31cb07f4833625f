"""The name under which this process calls other services: every request that it makes carries it (RFC 9110, 10.1.5).

Their operators then see which version called; set once a process, before its first call.
"""

from typing import Final

PRODUCT: Final = "Postledger"
_named: Final = {"version": ""}


def name_version(version: str) -> None:
    """From now on the name says this version."""
    _named["version"] = version


def user_agent() -> str:
    """The value of the header `User-Agent`, such as `Postledger/1.4.0`; without a version where none was named."""
    version = _named["version"]
    return f"{PRODUCT}/{version}" if version else PRODUCT
