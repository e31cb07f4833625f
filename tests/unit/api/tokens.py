"""Tokens as Entra ID issues them, signed with keys made for the test run."""

import base64
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.builders import AGENT, TENANT

AUTHORITY: Final = "https://login.authority.example"
AUDIENCE: Final = "12121212-3434-4565-8787-909090909090"
OTHER: Final = "22222222-3333-4444-8555-666666666666"
STRANGER: Final = "77777777-7777-4777-8777-777777777777"
OID: Final = "0a0a0a0a-1b1b-4c2c-8d3d-4e4e4e4e4e4e"
CLIENT: Final = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"


class Issuer:
    """Signs tokens under `kid`, publishes the key, and counts who asked for it."""

    def __init__(self, kid: str = "key-1") -> None:
        self.kid = kid
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.asked: list[str] = []

    def published(self, url: str) -> Mapping[str, Any]:
        self.asked.append(url)
        jwk = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**jwk, "kid": self.kid, "use": "sig"}]}

    def user(self, *roles: str, tenant: str = TENANT, **claims: Any) -> str:
        """A person's token."""
        person = {"scp": "access_as_user", "preferred_username": AGENT.upper(), "name": "Ann Agent"}
        return self.sign({**self.claims(tenant, roles), **person, **claims})

    def app(self, *roles: str, tenant: str = TENANT, **claims: Any) -> str:
        """An application's own token."""
        return self.sign({**self.claims(tenant, roles), "idtyp": "app", **claims})

    def claims(self, tenant: str, roles: tuple[str, ...]) -> dict[str, Any]:
        now = int(time.time())
        return {
            "iss": f"{AUTHORITY}/{tenant}/v2.0",
            "aud": AUDIENCE,
            "tid": tenant,
            "ver": "2.0",
            "oid": OID,
            "azp": CLIENT,
            "iat": now,
            "nbf": now,
            "exp": now + 86_400,
            "roles": list(roles),
        }

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A genuine token; a claim that is None is left out."""
        present = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(present, self.key, algorithm="RS256", headers={"kid": self.kid})

    def unsigned(self, *roles: str) -> str:
        """A token that claims the algorithm `none`."""
        return _parts({"alg": "none", "typ": "JWT", "kid": self.kid}, self.claims(TENANT, roles)) + "."

    def confused(self, *roles: str) -> str:
        """A token signed with HS256 and the public key as the secret (CVE-2016-5431)."""
        pem = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        signed = _parts({"alg": "HS256", "typ": "JWT", "kid": self.kid}, self.claims(TENANT, roles))
        return f"{signed}.{_base64(hmac.digest(pem, signed.encode(), 'sha256'))}"


def _parts(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    return ".".join(_base64(json.dumps(one).encode()) for one in (header, claims))


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
