"""Tokens that prove nothing open no route, whatever they claim."""

import time

from tests.builders import TENANT
from tests.security.served import every_operation
from tests.unit.api.tokens import AUTHORITY, OTHER, Issuer
from tests.unit.api.wiring import Api


def bad_tokens(issuer: Issuer) -> dict[str, str | None]:
    """Everything that proves nothing."""
    claims = issuer.claims(TENANT, ("Agent", "Admin", "Service"))
    now = int(time.time())
    genuine = issuer.sign(claims)
    return {
        "none at all": None,
        "empty": "",
        "malformed": "abc.def",
        "nested too deep": "eyJhbGciOiJSUzI1NiJ9." + "W1tb" * 3_000 + ".c2ln",
        "alg none": issuer.unsigned("Agent", "Admin"),
        "HS256 with the public key": issuer.confused("Agent", "Admin"),
        "expired": issuer.sign({**claims, "exp": now - 120}),
        "not valid yet": issuer.sign({**claims, "nbf": now + 600}),
        "no expiry": issuer.sign({**claims, "exp": None}),
        "wrong audience": issuer.sign({**claims, "aud": "https://graph.microsoft.com"}),
        "no audience": issuer.sign({**claims, "aud": None}),
        "another authority": issuer.sign({**claims, "iss": f"https://evil.example/{TENANT}/v2.0"}),
        "another tenant's issuer": issuer.sign({**claims, "iss": f"{AUTHORITY}/{OTHER}/v2.0"}),
        "version 1.0": issuer.sign({**claims, "iss": f"https://sts.windows.net/{TENANT}/"}),
        "tenant is a path": issuer.sign({**claims, "tid": "../x", "iss": f"{AUTHORITY}/../x/v2.0"}),
        "no tenant": issuer.sign({**claims, "tid": None}),
        "nobody": issuer.sign({**claims, "oid": None, "azp": None}),
        "another key of that name": Issuer(issuer.kid).sign(claims),
        "unknown key": Issuer("key-9").sign(claims),
        "signature cut": genuine[:-20],
        "another payload": ".".join(
            (
                genuine.split(".")[0],
                issuer.sign({**claims, "roles": ["Operator"]}).split(".")[1],
                genuine.split(".")[2],
            )
        ),
    }


def test_a_token_that_proves_nothing_opens_no_route(api: Api, issuer: Issuer) -> None:
    for what, token in bad_tokens(issuer).items():
        for name, method, path in every_operation(api):
            answer = api.call(method, path, token, json={})
            assert answer.status_code == 401, (what, name, answer.text)
            assert answer.headers["www-authenticate"].startswith("Bearer"), (what, name)
            assert answer.headers["content-type"] == "application/problem+json", (what, name)


def test_no_body_is_read_before_the_token(api: Api) -> None:
    answer = api.put("organisation", content=b"{broken", headers={"content-type": "application/json"})
    assert answer.status_code == 401
