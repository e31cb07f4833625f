"""Refresh tokens and passwords at rest: AES-256-GCM under a key of the deployment, bound to the row of the secret.

Several keys overlap during a rotation: the newest key seals, every key opens.
"""

import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from shared.domain.errors import NewerForm, Rejected

# NIST SP 800-38D, 8.2.2: 96 random bits are safe for 2**32 messages under one key.
NONCE_BYTES: Final = 12
_VERSION: Final = "v1"
_NEWER_SEAL: Final = re.compile(r"v[1-9][0-9]{0,2}")
_LOST_KEY: Final = (
    "A stored sign-in cannot be opened: its key is missing from POSTLEDGER_TOKEN_KEYS. Restore the key, or ask "
    "the account's owner to sign in again."
)


class Sealer:
    """Seals texts and opens them. `keys` have 32 bytes each; the newest is the first."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {_name(key): key for key in keys}
        self._newest = _name(keys[0]) if keys else ""

    @property
    def has_key(self) -> bool:
        return bool(self._newest)

    def seal(self, text: str, about: str) -> str:
        """The text, sealed with the newest key for `about`. Raises Rejected without a key."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if not self._newest:
            raise Rejected("POSTLEDGER_TOKEN_KEYS is not set, so no sign-in can be kept.", "NoTokenKey")
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(self._keys[self._newest]).encrypt(nonce, text.encode(), about.encode())
        return f"{_VERSION}.{self._newest}.{urlsafe_b64encode(nonce + sealed).decode('ascii')}"

    def open(self, sealed: str, about: str) -> str:
        """Raises Rejected for an unknown key, another `about`, or a changed text; NewerForm for a newer seal."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        version, _, rest = sealed.partition(".")
        name, _, text = rest.partition(".")
        key = self._keys.get(name)
        if _NEWER_SEAL.fullmatch(version) and version != _VERSION:
            raise NewerForm(f"A stored sign-in is sealed in the form {version}, which a newer version knows.")
        if version != _VERSION or key is None:
            raise Rejected(_LOST_KEY, "LostTokenKey")
        try:
            data = urlsafe_b64decode(text)
            return AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], about.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise Rejected("A stored sign-in was changed, or belongs to another row.", "BadSeal") from error

    def is_current(self, sealed: str) -> bool:
        """Whether the newest key sealed it."""
        return sealed.startswith(f"{_VERSION}.{self._newest}.")


def _name(key: bytes) -> str:
    """The name by which a sealed text refers to its key; it reveals nothing of the key."""
    return sha256(b"postledger token key" + key).hexdigest()[:8]
