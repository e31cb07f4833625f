"""The permissions that a token of Entra ID carries: `roles` of an application, `scp` of a person.

Microsoft calls Graph's tokens opaque: what stands in one is shown, or saves a request that would be refused; it
never decides what may be done.
"""

import json
from base64 import urlsafe_b64decode
from typing import Any


def permissions_in(token: str) -> frozenset[str]:
    """None where the token is no JWT, or its rights stand elsewhere (RBAC for Applications)."""
    claims = _claims(token)
    roles, scopes = claims.get("roles"), claims.get("scp")
    listed = roles if isinstance(roles, list) else str(scopes or "").split()
    return frozenset(str(name).rpartition("/")[2] for name in listed)


def _claims(token: str) -> dict[str, Any]:
    parts = token.split(".")
    try:
        found = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
