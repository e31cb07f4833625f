"""Other ways to send what the direct client writes: azure-core's pipeline, and a bare pool. Only to be measured."""

from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import requests
from azure.core import PipelineClient
from azure.core.pipeline.policies import RetryPolicy, SansIOHTTPPolicy
from azure.core.pipeline.transport import HttpTransport, RequestsTransport
from azure.core.rest import HttpRequest
from requests.adapters import HTTPAdapter

from shared.adapters.storage.connection import CONNECT_TIMEOUT, POOL_SIZE, READ_TIMEOUT, RETRIES
from shared.adapters.storage.direct.account import Account
from shared.adapters.storage.direct.exchange import Answer, Patience, Request, Service
from shared.adapters.storage.direct.sending import VERSION
from shared.adapters.storage.direct.shared_key import SharedKey
from shared.adapters.storage.direct.wire import Parcel, Wire

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineRequest

PATIENCE = Patience(CONNECT_TIMEOUT, READ_TIMEOUT, retries=0)


class BareSender:
    """A signature and one exchange: no retries, no errors told apart, nothing counted."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._key = SharedKey(account.name, account.key)
        self._wire = Wire(size=POOL_SIZE)

    def address(self, service: Service) -> str:
        return self._account.address(service)

    def send(self, request: Request, patience: Patience | None = None) -> Answer:
        place = urlsplit(self.address(request.service))
        path = place.path + request.path
        headers = dated(request)
        headers["Authorization"] = self._key.authorization(request, path, headers)
        parcel = Parcel(request.method, path + query_of(request), headers, request.body)
        return checked(self._wire.exchange(f"{place.scheme}://{place.netloc}", parcel, PATIENCE))


class PipelineSender:
    """azure-core's public client with its retries, and the shared key as a policy."""

    def __init__(self, account: Account, transport: Any) -> None:
        self._account = account
        policies = [RetryPolicy(retry_total=RETRIES), _SharedKeyPolicy(account)]
        self._client: Any = PipelineClient("http://unused", policies=policies, transport=transport)

    def address(self, service: Service) -> str:
        return self._account.address(service)

    def send(self, request: Request, patience: Patience | None = None) -> Answer:
        url = self.address(request.service) + request.path + query_of(request)
        message = HttpRequest(
            request.method, url, headers=dict(request.headers), content=request.body or None
        )
        response = self._client.send_request(message, postledger_request=request)
        return checked(Answer(response.status_code, response.headers, response.content))


class _SharedKeyPolicy(SansIOHTTPPolicy[Any, Any]):
    def __init__(self, account: Account) -> None:
        self._key = SharedKey(account.name, account.key)

    def on_request(self, request: "PipelineRequest[Any]") -> None:
        asked: Request = request.context.options.pop("postledger_request")
        message = request.http_request
        headers = dated(asked)
        headers["Authorization"] = self._key.authorization(asked, urlsplit(message.url).path, headers)
        message.headers.update(headers)


class _Urllib3Transport(HttpTransport[Any, Any]):
    """The least that the pipeline needs of a transport."""

    def __init__(self) -> None:
        self._wire = Wire(size=POOL_SIZE)

    def open(self) -> None:
        """Pools open themselves."""

    def close(self) -> None:
        """They close with the process."""

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, request: Any, **_: Any) -> Any:
        place = urlsplit(request.url)
        target = f"{place.path}?{place.query}" if place.query else place.path
        parcel = Parcel(request.method, target, request.headers, request.content or b"")
        return _Response(request, self._wire.exchange(f"{place.scheme}://{place.netloc}", parcel, PATIENCE))


class _Response:
    """What policies and sender read of a response."""

    def __init__(self, request: Any, answer: Answer) -> None:
        self.request = request
        self.status_code = answer.status
        self.headers = answer.headers
        self.content = answer.body
        self.content_type = answer.headers.get("Content-Type", "")


def requests_transport() -> Any:
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HTTPAdapter(pool_maxsize=POOL_SIZE, max_retries=0))
    return RequestsTransport(session=session, use_env_settings=False)


def urllib3_transport() -> Any:
    return _Urllib3Transport()


def dated(request: Request) -> dict[str, str]:
    return {"x-ms-date": formatdate(usegmt=True), "x-ms-version": VERSION, **request.headers}


def query_of(request: Request) -> str:
    pairs = "&".join(f"{name}={quote(value, safe='')}" for name, value in request.query)
    return f"?{pairs}" if pairs else ""


def checked(answer: Answer) -> Answer:
    if answer.status >= 300:
        raise RuntimeError(f"{answer.status} {answer.body[:300]!r}")
    return answer
