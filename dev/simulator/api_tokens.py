"""Access tokens for our own API, as Entra would issue them to users and to applications."""

import time
import uuid

from dev.simulator.tokens import TokenMint
from dev.simulator.world import World


def api_token(world: World, mint: TokenMint, wanted: dict[str, object]) -> str:
    """A v2.0 access token for our API: of a user (`address`), or app-only (`client_id`).

    Raises KeyError for what is missing or unknown.
    """
    tenant = str(wanted["tenant_id"]).lower()
    now = int(time.time())
    lifetime = int(str(wanted.get("expires_in", 3600)))
    claims: dict[str, object] = {
        "aud": wanted.get("audience") or world.app.client_id,
        "iss": wanted.get("issuer") or f"{world.url}/{tenant}/v2.0",
        "iat": now,
        "nbf": now - (7200 if lifetime < 0 else 5),
        "exp": now + lifetime,
        "tid": tenant,
        "ver": "2.0",
        "uti": uuid.uuid4().hex,
    }
    roles = wanted.get("roles")
    if address := wanted.get("address"):
        user = world.directory.by_address(str(address))
        if user is None or user.tenant_id != tenant:
            raise KeyError(str(address))
        claims |= {
            "oid": user.id,
            "sub": uuid.uuid5(uuid.UUID(user.id), "subject").hex,
            "preferred_username": user.address,
            "name": user.name,
            "scp": "access_as_user",
            "azp": str(wanted.get("client_id") or world.app.client_id),
            "roles": roles if isinstance(roles, list) else user.roles,
        }
    else:
        client_id = str(wanted["client_id"])
        principal = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{tenant}/{client_id}"))
        claims |= {
            "oid": principal,
            "sub": principal,
            "azp": client_id,
            "idtyp": "app",
            "roles": roles if isinstance(roles, list) else [],
        }
    if not claims["roles"]:
        del claims["roles"]
    return mint.sign(claims)
