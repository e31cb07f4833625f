"""The simulated Entra ID: discovery, keys, tokens for the application and for people, and a managed identity."""

import time
import uuid
from base64 import urlsafe_b64encode
from urllib.parse import parse_qs

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dev.simulator.api_tokens import api_token
from dev.simulator.sign_in import GRAPH_AUDIENCE, SignInPages, SignInRefused
from dev.simulator.tokens import TokenMint
from dev.simulator.world import World

EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"
MANAGED_IDENTITY = (
    "3d9a1b52-88f5-4c2b-9b19-0f7f2a6c4d10"  # the principal that the app's federated credential names
)
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFETIME = 3599


class EntraError(Exception):
    """A refusal in Entra's own form."""

    def __init__(self, error: str, code: int, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.error, self.code, self.text, self.status = error, code, text, status

    def answer(self) -> JSONResponse:
        moment = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        ids = f"Trace ID: {trace} Correlation ID: {correlation}"
        return JSONResponse(
            {
                "error": self.error,
                "error_description": f"AADSTS{self.code}: {self.text} {ids} Timestamp: {moment}",
                "error_codes": [self.code],
                "timestamp": moment,
                "trace_id": trace,
                "correlation_id": correlation,
                "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
            },
            self.status,
        )


class Entra:
    """Answers as login.microsoftonline.com would for the one registered application."""

    def __init__(self, world: World, mint: TokenMint, pages: SignInPages) -> None:
        self.world, self.mint, self.pages = world, mint, pages

    def _authority(self, request: Request) -> str:
        """The tenant of the path. Raises EntraError 90002."""
        tenant = str(request.path_params["tenant"]).lower()
        if tenant in self.world.directory.organisations:
            return tenant
        for one in self.world.directory.organisations.values():
            if tenant in one.domains:
                return one.tenant_id
        text = (
            f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID "
            "and are signing into the correct cloud."
        )
        raise EntraError("invalid_request", 90002, text)

    async def discovery(self, request: Request) -> Response:
        """OpenID Connect metadata of a tenant."""
        try:
            tenant = self._authority(request)
        except EntraError as error:
            return error.answer()
        base = f"{self.world.url}/{tenant}"
        return JSONResponse(
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post",
                    "private_key_jwt",
                    "client_secret_basic",
                ],
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "tenant_region_scope": "EU",
            }
        )

    async def keys(self, request: Request) -> Response:
        """The keys that sign this tenant's tokens."""
        try:
            self._authority(request)
        except EntraError as error:
            return error.answer()
        return JSONResponse(self.mint.published())

    async def token(self, request: Request) -> Response:
        """Client credentials, codes and refresh tokens; the application proves itself for each."""
        form = {
            name: values[0]
            for name, values in parse_qs((await request.body()).decode("utf-8", "replace")).items()
        }
        try:
            if self.world.faults.strikes("token_errors"):
                raise EntraError(
                    "temporarily_unavailable", 90033, "A transient error has occurred. Please try again.", 503
                )
            return self._grant(self._authority(request), form)
        except EntraError as error:
            return error.answer()

    def _grant(self, tenant: str, form: dict[str, str]) -> Response:
        organisation, app = self.world.directory.organisations[tenant], self.world.app
        client_id = form.get("client_id", "")
        if form.get("grant_type") in ("authorization_code", "refresh_token"):
            if client_id != app.client_id:
                raise _unknown_application(client_id, tenant)
            return self._signed_in(tenant, form)
        if form.get("grant_type") != "client_credentials":
            raise EntraError(
                "unsupported_grant_type",
                70003,
                f"The app requested an unsupported grant type '{form.get('grant_type')}'.",
            )
        if client_id in self.world.clients:
            return self._granted_to_client(tenant, form)
        if client_id != app.client_id or not organisation.consented:
            raise _unknown_application(client_id, tenant)
        self._authenticate(tenant, form)
        if not form.get("scope", "").endswith("/.default"):
            raise EntraError(
                "invalid_scope", 1002012, f"The provided value for scope {form.get('scope')} is not valid."
            )
        if unknown := self.pages.unknown_resource(form["scope"]):
            raise EntraError("invalid_resource", 500011, unknown.partition(": ")[2])
        now = int(time.time())
        claims = {
            "aud": GRAPH_AUDIENCE,
            "iss": f"https://sts.windows.net/{tenant}/",
            "iat": now,
            "nbf": now - 300,
            "exp": now + _LIFETIME,
            "appid": client_id,
            "idtyp": "app",
            "roles": list(organisation.graph_roles),
            "tid": tenant,
            "uti": uuid.uuid4().hex,
            "ver": "1.0",
        }
        self.world.stats.tokens_issued += 1
        answer = {
            "token_type": "Bearer",
            "expires_in": _LIFETIME,
            "ext_expires_in": _LIFETIME,
            "access_token": self.mint.sign(claims),
        }
        return JSONResponse(answer)

    def _granted_to_client(self, tenant: str, form: dict[str, str]) -> Response:
        """A token for our API, of an application of the home tenant."""
        client = self.world.clients[form["client_id"]]
        if tenant != self.world.app.home_tenant_id:
            raise _unknown_application(client.client_id, tenant)
        if form.get("client_secret") != client.secret:
            raise EntraError("invalid_client", 7000215, "Invalid client secret provided.", 401)
        if form.get("scope") != f"api://{self.world.app.client_id}/.default":
            text = f"The resource principal named {form.get('scope')} was not found in the tenant."
            raise EntraError("invalid_resource", 500011, text)
        wanted: dict[str, object] = {
            "tenant_id": tenant,
            "client_id": client.client_id,
            "roles": list(client.roles),
        }
        token = api_token(self.world, self.mint, wanted)
        return JSONResponse({"token_type": "Bearer", "expires_in": _LIFETIME, "access_token": token})

    def _signed_in(self, tenant: str, form: dict[str, str]) -> Response:
        """Tokens of a person."""
        self._authenticate(tenant, form)
        redeem = self.pages.redeem if form["grant_type"] == "authorization_code" else self.pages.refresh
        try:
            return JSONResponse(redeem(form, tenant))
        except SignInRefused as refused:
            raise EntraError("invalid_grant", refused.code, refused.text) from refused

    def _authenticate(self, tenant: str, form: dict[str, str]) -> None:
        if "client_assertion" in form:
            if form.get("client_assertion_type") != _ASSERTION_TYPE:
                raise EntraError(
                    "invalid_request",
                    900144,
                    "The request body must contain the parameter 'client_assertion_type'.",
                )
            self._check_assertion(tenant, form["client_assertion"])
        elif form.get("client_secret") != self.world.app.secret or not self.world.app.secret:
            text = (
                "Invalid client secret provided. "
                "Ensure the secret being sent in the request is the client secret value, "
                f"not the client secret ID, for a secret added to app '{self.world.app.client_id}'."
            )
            raise EntraError("invalid_client", 7000215, text, 401)

    def _check_assertion(self, tenant: str, assertion: str) -> None:
        home = f"{self.world.url}/{self.world.app.home_tenant_id}/v2.0"
        federated = self.mint.read(assertion, EXCHANGE_AUDIENCE)
        if federated is not None:
            if (federated.get("iss"), federated.get("sub")) == (home, MANAGED_IDENTITY):
                return
            text = "No matching federated identity record found for presented assertion subject and issuer."
            raise EntraError("invalid_client", 700213, text, 401)
        certificate = self.world.app.certificate
        if certificate is None:
            raise EntraError(
                "invalid_client",
                700027,
                "The certificate used to sign the client assertion is not registered.",
                401,
            )
        self._check_certificate(tenant, assertion, x509.load_pem_x509_certificate(certificate.encode()))

    def _check_certificate(self, tenant: str, assertion: str, certificate: x509.Certificate) -> None:
        key = certificate.public_key()
        thumbprints = {
            "x5t": _thumbprint(certificate, hashes.SHA1()),
            "x5t#S256": _thumbprint(certificate, hashes.SHA256()),
        }
        endpoint = f"{self.world.url}/{tenant}/oauth2/v2.0/token"
        try:
            header = jwt.get_unverified_header(assertion)
            named = [str(header[name]).rstrip("=") for name in thumbprints if name in header]
            if (
                not named
                or any(value not in thumbprints.values() for value in named)
                or not isinstance(key, rsa.RSAPublicKey)
            ):
                raise EntraError(
                    "invalid_client",
                    700027,
                    "The certificate with identifier used to sign the client assertion is not registered.",
                    401,
                )
            claims = jwt.decode(
                assertion, key, algorithms=["RS256", "PS256"], audience=endpoint, options={"require": ["exp"]}
            )
        except jwt.InvalidTokenError as error:
            raise EntraError(
                "invalid_client",
                700024,
                f"Client assertion is not within its valid time range or not valid: {error}.",
                401,
            ) from error
        if (claims.get("iss"), claims.get("sub")) != (self.world.app.client_id, self.world.app.client_id):
            raise EntraError(
                "invalid_client",
                700021,
                "Client assertion application identifier doesn't match 'client_id' parameter.",
                401,
            )

    async def managed_identity(self, request: Request) -> Response:
        """The IDENTITY_ENDPOINT of App Service: a token of the managed identity for any resource."""
        if not request.headers.get("x-identity-header"):
            return JSONResponse({"statusCode": 401, "message": "The X-IDENTITY-HEADER is missing."}, 401)
        resource = request.query_params.get("resource", "")
        now, home = int(time.time()), self.world.app.home_tenant_id
        # Tokens for Azure's own services are of the older form; Azure Storage takes no other issuer.
        vouches = resource == EXCHANGE_AUDIENCE
        claims = {
            "aud": resource,
            "iss": f"{self.world.url}/{home}/v2.0" if vouches else f"https://sts.windows.net/{home}/",
            "sub": MANAGED_IDENTITY,
            "oid": MANAGED_IDENTITY,
            "tid": home,
            "iat": now,
            "nbf": now,
            "exp": now + 86_400,
        }
        answer = {
            "access_token": self.mint.sign(claims),
            "expires_on": str(now + 86_400),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": request.query_params.get("client_id", MANAGED_IDENTITY),
        }
        return JSONResponse(answer)


def _unknown_application(client_id: str, tenant: str) -> EntraError:
    text = f"Application with identifier '{client_id}' was not found in the directory '{tenant}'."
    return EntraError("unauthorized_client", 700016, text)


def _thumbprint(certificate: x509.Certificate, algorithm: hashes.HashAlgorithm) -> str:
    return urlsafe_b64encode(certificate.fingerprint(algorithm)).decode("ascii").rstrip("=")
