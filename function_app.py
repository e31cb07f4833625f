"""Every trigger on one page: says when, translates, calls.

Queue functions take one command each; the two Graph webhooks only queue; everything a client calls is
one HTTP function behind which FastAPI stands.
"""

import azure.functions as func

from shared.bootstrap import api_app, outcomes, use_cases
from shared.domain import names
from shared.domain.commands import IngestMessages, MaintainSubscription, SyncMailbox
from shared.triggers.client import serve
from shared.triggers.graph import receive
from shared.triggers.queue import handle

STORAGE = "AzureWebJobsStorage"

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="graph/notifications", methods=[func.HttpMethod.POST])
def graph_notifications(req: func.HttpRequest) -> func.HttpResponse:
    """Graph says that messages have arrived: queue their ids."""
    return receive(req, use_cases().take_notifications)


@app.route(route="graph/lifecycle", methods=[func.HttpMethod.POST])
def graph_lifecycle(req: func.HttpRequest) -> func.HttpResponse:
    """Graph says that a subscription needs care: queue it."""
    return receive(req, use_cases().take_notifications)


@app.route(
    route="{*path}",
    methods=[
        func.HttpMethod.GET,
        func.HttpMethod.HEAD,
        func.HttpMethod.POST,
        func.HttpMethod.PUT,
        func.HttpMethod.DELETE,
        func.HttpMethod.OPTIONS,
    ],
)
async def api(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Everything a client calls."""
    return await serve(api_app(), req, context)


@app.queue_trigger(arg_name="msg", queue_name=names.MAIL_SYNC, connection=STORAGE)
def sync_mailbox(msg: func.QueueMessage) -> None:
    """mail-sync: walk a mailbox's folders from where their deltas stand."""
    handle(msg, SyncMailbox, use_cases().sync, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.MAIL_INGEST, connection=STORAGE)
def ingest_messages(msg: func.QueueMessage) -> None:
    """mail-ingest: fetch up to 20 messages of one mailbox, match them, write their rows."""
    handle(msg, IngestMessages, use_cases().ingest, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.SUBSCRIPTIONS, connection=STORAGE)
def maintain_subscription(msg: func.QueueMessage) -> None:
    """subscriptions: bring a mailbox's Graph subscription in order."""
    handle(msg, MaintainSubscription, use_cases().maintain_subscription, outcomes())


@app.timer_trigger(arg_name="timer", schedule="0 * * * * *", run_on_startup=False)
def poll_mailboxes(timer: func.TimerRequest) -> None:
    """Every minute: queue a walk for each mailbox that is due."""
    use_cases().poll()
