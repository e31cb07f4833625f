"""Which use case carries out which command, and which item of the agenda."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from shared.bootstrap.compose import UseCases
from shared.domain.commands import commands
from shared.domain.commands.agenda import Item
from shared.domain.commands.envelope import Command

_Chosen: TypeAlias = Callable[[UseCases], Callable[[Any], None]]

# Functions, so that a use case is built when the first command asks for it.
CARRIED_OUT_BY: Final[Mapping[type[Command], _Chosen]] = {
    commands.SyncMailbox: lambda use_cases: use_cases.take_turn,
    commands.IngestMessages: lambda use_cases: use_cases.take_turn,
    commands.ReconcileMailbox: lambda use_cases: use_cases.take_turn,
    commands.BackfillMailbox: lambda use_cases: use_cases.take_turn,
    commands.JoinLateContacts: lambda use_cases: use_cases.join_late_contacts,
    commands.RematchMessages: lambda use_cases: use_cases.run_rematch,
    commands.FileMessage: lambda use_cases: use_cases.apply_decision,
    commands.ErasePerson: lambda use_cases: use_cases.run_erasure,
    commands.DeleteOrganisation: lambda use_cases: use_cases.run_deletion,
    commands.ApplyRetention: lambda use_cases: use_cases.run_retention,
    commands.ForgetEvents: lambda use_cases: use_cases.forget_events,
    commands.MergeRecords: lambda use_cases: use_cases.merge_records,
    commands.MaintainSubscription: lambda use_cases: use_cases.take_turn,
    commands.CompareSubscriptions: lambda use_cases: use_cases.run_comparison,
    commands.WakeMailbox: lambda use_cases: use_cases.take_turn,
    commands.FileHistory: lambda use_cases: use_cases.take_turn,
    commands.SendMail: lambda use_cases: use_cases.send_due,
    commands.ResendMail: lambda use_cases: use_cases.resend_mail,
    commands.RunCampaign: lambda use_cases: use_cases.run_campaign,
    commands.ReportBack: lambda use_cases: use_cases.report_back,
    commands.MarkRead: lambda use_cases: use_cases.take_turn,
}

DONE_BY: Final[Mapping[Item, Callable[[UseCases], Callable[[], None]]]] = {
    Item.POLL: lambda use_cases: use_cases.poll,
    Item.WAKE_STALE: lambda use_cases: use_cases.wake_stale,
    Item.OUTBOXES: lambda use_cases: use_cases.wake_outboxes,
    Item.SWEEP_POISON: lambda use_cases: use_cases.sweep_poison,
    Item.SWEEP_DECISIONS: lambda use_cases: use_cases.sweep_decisions,
    Item.SUBSCRIPTIONS: lambda use_cases: use_cases.queue_due_subscriptions,
    Item.CONNECTIONS: lambda use_cases: use_cases.watch_connections,
    Item.CREDENTIAL: lambda use_cases: use_cases.watch_credential,
    Item.COMPARISONS: lambda use_cases: use_cases.queue_comparisons,
    Item.ADDRESSES: lambda use_cases: use_cases.notice_addresses,
    Item.RECONCILIATIONS: lambda use_cases: use_cases.reconcile_all,
    Item.RETENTION: lambda use_cases: use_cases.queue_retention,
    Item.CAMPAIGNS: lambda use_cases: use_cases.wake_campaigns,
    Item.EVENTS: lambda use_cases: use_cases.queue_forgetting,
}


def carry_out(use_cases: UseCases, command: Command) -> None:
    """Run the use case of a command. Whatever it raises is the caller's."""
    run = CARRIED_OUT_BY[type(command)](use_cases)
    run(command)


def do(use_cases: UseCases, item: Item) -> None:
    """Do an item of the agenda. Whatever it raises is the caller's."""
    DONE_BY[item](use_cases)()
