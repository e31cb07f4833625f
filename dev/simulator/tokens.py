"""Signs and reads tokens with the simulated Entra's keys. Which claims they carry is decided by its callers."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

Claims = dict[str, object]


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(slots=True)
class TokenMint:
    """The signing keys: all are published, the newest signs."""

    keys: dict[str, rsa.RSAPrivateKey] = field(default_factory=lambda: {uuid.uuid4().hex: _new_key()})
    _checked: dict[str, Claims] = field(default_factory=dict)

    def rotate(self) -> None:
        """From now on a new key signs; the old ones stay published."""
        self.keys[uuid.uuid4().hex] = _new_key()

    def sign(self, claims: Mapping[str, object]) -> str:
        key_id = list(self.keys)[-1]
        return jwt.encode(dict(claims), self.keys[key_id], algorithm="RS256", headers={"kid": key_id})

    def published(self) -> dict[str, object]:
        """The JWK set."""
        found = []
        for key_id, key in self.keys.items():
            entry = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
            found.append({**entry, "use": "sig", "kid": key_id, "x5t": key_id})
        return {"keys": found}

    def read(self, token: str, audience: str) -> Claims | None:
        """The claims of a token of ours for that audience, or None when it is not valid now."""
        claims = self._checked.get(token)
        if claims is None:
            claims = self._decode(token)
            if claims is None:
                return None
            if len(self._checked) > 1000:
                self._checked.clear()
            self._checked[token] = claims
        expires = claims.get("exp")
        valid = isinstance(expires, int) and expires > time.time() and claims.get("aud") == audience
        return claims if valid else None

    def _decode(self, token: str) -> Claims | None:
        try:
            key = self.keys[str(jwt.get_unverified_header(token).get("kid"))]
            return dict(
                jwt.decode(token, key.public_key(), algorithms=["RS256"], options={"verify_aud": False})
            )
        except (jwt.InvalidTokenError, KeyError):
            return None
