"""Every trigger on one page: says when, translates, calls.

A queue carries a family of commands, and its function takes one of them at a time; the two Graph webhooks only
queue; everything that a client calls is one HTTP function behind which FastAPI stands.
"""

import azure.functions as func

from shared.bootstrap import api_app, carry_out, outcomes, use_cases
from shared.domain import names
from shared.domain.commands import families
from shared.triggers.client import serve
from shared.triggers.graph import receive
from shared.triggers.poison import take_poison
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
    handle(msg, families.WALKS, carry_out, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.MAIL_INGEST, connection=STORAGE)
def ingest_messages(msg: func.QueueMessage) -> None:
    """mail-ingest: fetch up to 20 messages of one mailbox, match them, write their rows."""
    handle(msg, families.INGESTS, carry_out, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.MAIL_RECONCILE, connection=STORAGE)
def reconcile_mailbox(msg: func.QueueMessage) -> None:
    """mail-reconcile: compare what lies in a mailbox with the ledger, and repair."""
    handle(msg, families.RECONCILIATIONS, carry_out, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.MAIL_BACKFILL, connection=STORAGE)
def backfill_mailbox(msg: func.QueueMessage) -> None:
    """mail-backfill: the next 50 mails of history that was asked for."""
    handle(msg, families.BACKFILLS, carry_out, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.SUBSCRIPTIONS, connection=STORAGE)
def maintain_subscription(msg: func.QueueMessage) -> None:
    """subscriptions: bring a mailbox's Graph subscription in order, or compare all with Graph's list."""
    handle(msg, families.SUBSCRIPTIONS, carry_out, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.LATE_CONTACTS, connection=STORAGE)
def join_late_contacts(msg: func.QueueMessage) -> None:
    """late-contacts: look in the ledger for mail of people who are known by now."""
    handle(msg, families.LATE_CONTACTS, carry_out, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.REMATCHES, connection=STORAGE)
def rematch_messages(msg: func.QueueMessage) -> None:
    """rematches: decide anew on the next hundred stored messages."""
    handle(msg, families.REMATCHES, carry_out, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.FILING, connection=STORAGE)
def file_message(msg: func.QueueMessage) -> None:
    """filing: carry out what a person has said of a stored mail."""
    handle(msg, families.DECISIONS, carry_out, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.ERASURE, connection=STORAGE)
def erase(msg: func.QueueMessage) -> None:
    """erasure: the next page of erasing a person, deleting an organisation, or applying retention."""
    handle(msg, families.ERASURES, carry_out, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.RECORD_MERGES, connection=STORAGE)
def merge_records(msg: func.QueueMessage) -> None:
    """record-merges: move what was filed on a record to the one that has taken its place."""
    handle(msg, families.MERGES, carry_out, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.poison(names.MAIL_SYNC), connection=STORAGE)
def sync_mailbox_poison(msg: func.QueueMessage) -> None:
    """mail-sync-poison: a walk that the host gave up on."""
    take_poison(msg, families.WALKS, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.poison(names.MAIL_INGEST), connection=STORAGE)
def ingest_messages_poison(msg: func.QueueMessage) -> None:
    """mail-ingest-poison: messages that the host gave up on."""
    take_poison(msg, families.INGESTS, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.poison(names.MAIL_RECONCILE), connection=STORAGE)
def reconcile_mailbox_poison(msg: func.QueueMessage) -> None:
    """mail-reconcile-poison: a reconciliation that the host gave up on."""
    take_poison(msg, families.RECONCILIATIONS, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.poison(names.MAIL_BACKFILL), connection=STORAGE)
def backfill_mailbox_poison(msg: func.QueueMessage) -> None:
    """mail-backfill-poison: a step of a backfill that the host gave up on."""
    take_poison(msg, families.BACKFILLS, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.poison(names.LATE_CONTACTS), connection=STORAGE)
def join_late_contacts_poison(msg: func.QueueMessage) -> None:
    """late-contacts-poison: a pass over the ledger that the host gave up on."""
    take_poison(msg, families.LATE_CONTACTS, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.poison(names.REMATCHES), connection=STORAGE)
def rematch_messages_poison(msg: func.QueueMessage) -> None:
    """rematches-poison: a run of deciding anew that the host gave up on."""
    take_poison(msg, families.REMATCHES, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.poison(names.FILING), connection=STORAGE)
def file_message_poison(msg: func.QueueMessage) -> None:
    """filing-poison: a decision that the host gave up on."""
    take_poison(msg, families.DECISIONS, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.poison(names.RECORD_MERGES), connection=STORAGE)
def merge_records_poison(msg: func.QueueMessage) -> None:
    """record-merges-poison: a move of what was filed that the host gave up on."""
    take_poison(msg, families.MERGES, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.poison(names.SUBSCRIPTIONS), connection=STORAGE)
def maintain_subscription_poison(msg: func.QueueMessage) -> None:
    """subscriptions-poison: subscription work that the host gave up on."""
    take_poison(msg, families.SUBSCRIPTIONS, outcomes())


@app.queue_trigger(arg_name="msg", queue_name=names.poison(names.ERASURE), connection=STORAGE)
def erase_poison(msg: func.QueueMessage) -> None:
    """erasure-poison: a page of an erasure, a deletion or retention that the host gave up on."""
    take_poison(msg, families.ERASURES, outcomes())


@app.timer_trigger(arg_name="timer", schedule="0 40 3 * * *", run_on_startup=False)
def apply_retention(timer: func.TimerRequest) -> None:
    """Every night: ask for what is older than it may be kept to be taken away."""
    use_cases().queue_retention()


@app.timer_trigger(arg_name="timer", schedule="0 * * * * *", run_on_startup=False)
def poll_mailboxes(timer: func.TimerRequest) -> None:
    """Every minute: queue a walk for each mailbox that is due."""
    use_cases().poll()


@app.timer_trigger(arg_name="timer", schedule="0 */5 * * * *", run_on_startup=False)
def sweep_decisions(timer: func.TimerRequest) -> None:
    """Every five minutes: queue again what persons have decided and nobody has carried out."""
    use_cases().sweep_decisions()


@app.timer_trigger(arg_name="timer", schedule="0 10 2 * * *", run_on_startup=False)
def reconcile_mailboxes(timer: func.TimerRequest) -> None:
    """Every night: ask for a comparison of each mailbox with the ledger, spread over an hour."""
    use_cases().reconcile_all()


@app.timer_trigger(arg_name="timer", schedule="0 */30 * * * *", run_on_startup=False)
def maintain_subscriptions(timer: func.TimerRequest) -> None:
    """Every half-hour: queue the care of subscriptions that are due or missing."""
    use_cases().queue_due_subscriptions()


@app.timer_trigger(arg_name="timer", schedule="0 15 */6 * * *", run_on_startup=False)
def reconcile_subscriptions(timer: func.TimerRequest) -> None:
    """Every six hours: queue for each organisation a comparison with the subscriptions that Graph has."""
    use_cases().queue_comparisons()


@app.timer_trigger(arg_name="timer", schedule="0 20,50 * * * *", run_on_startup=False)
def watch_connections(timer: func.TimerRequest) -> None:
    """Every half-hour: try each organisation's connection, and mailboxes that could not be tested before."""
    use_cases().watch_connections()


@app.timer_trigger(arg_name="timer", schedule="0 40 1 * * *", run_on_startup=False)
def notice_addresses(timer: func.TimerRequest) -> None:
    """Every night: offer mailboxes whose user has a new main address."""
    use_cases().notice_addresses()
