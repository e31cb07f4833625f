"""What an account holds, by name. Source: Microsoft, "Query Tables", "List Queues", "List Containers"."""

import json
from typing import Final
from xml.etree import ElementTree

from shared.adapters.storage.calls import LISTED_WITHIN
from shared.adapters.storage.direct.exchange import Patience, Request, Sends, Service
from shared.adapters.storage.direct.writes import ODATA

_PROMPT: Final = Patience(LISTED_WITHIN, LISTED_WITHIN, retries=0)


def tables(sender: Sends) -> set[str]:
    """The tables of an account, of which it has fewer than a page holds (1,000). One request."""
    answer = sender.send(Request(Service.TABLE, "Tables", "GET", "/Tables", headers=ODATA), _PROMPT)
    return {table["TableName"] for table in json.loads(answer.body)["value"]}


def named(sender: Sends, service: Service) -> set[str]:
    """The queues or containers of an account, of which it has fewer than a page holds (5,000). One request."""
    answer = sender.send(Request(service, f"{service}s", "GET", "/", (("comp", "list"),)), _PROMPT)
    return {found.text or "" for found in ElementTree.fromstring(answer.body).iter("Name")}
