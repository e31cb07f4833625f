"""The client API of one process. Imported by the first client request: it brings FastAPI along."""

from azure.functions import AsgiMiddleware

from shared.adapters.entra import EntraTokens
from shared.api.app import create_app
from shared.api.use_cases import ApiUseCases
from shared.bootstrap.connecting import Connecting
from shared.bootstrap.work import Work, new_id, now
from shared.services.capture import backfill, late_contacts, preview
from shared.services.commands import exceptions
from shared.services.connections import callers, mailboxes, organisations
from shared.services.connections.callers import ServedTenants
from shared.services.filing import change_by_person, explain, inbox, links, reading
from shared.services.filing.visibility import Visibility
from shared.services.matching import rematch
from shared.services.privacy import audit, deletion, erasing
from shared.services.records import deals, merging, record_writing, records


def api_over(parts: Work) -> AsgiMiddleware:
    """FastAPI's app behind the bridge of the Functions worker."""
    settings = parts.settings
    audiences = {settings.client_id, f"api://{settings.client_id}", settings.api_audience} - {""}
    verifier = EntraTokens(
        authority=settings.authority_url,
        audiences=frozenset(audiences),
        is_known_tenant=ServedTenants(parts.organisations, settings.home_tenant_id),
    )
    app = create_app(api_use_cases(parts), verifier, cors_origins=settings.cors_origins)
    return AsgiMiddleware(app)  # type: ignore[no-untyped-call]


def api_use_cases(parts: Work) -> ApiUseCases:
    """One use case per operation of the client API."""
    connecting = Connecting(parts)
    visibility = Visibility(parts.messages, parts.mailboxes)
    look_up = record_writing.LookUpInsiders(parts.index, parts.organisations)
    announce = late_contacts.AnnounceContacts(
        parts.late_contacts, parts.mailboxes, parts.queue, now, parts.settings.hash_key
    )
    keep_deals = deals.Deals(parts.records, parts.index, announce)
    write = record_writing.WriteRecords(
        parts.records,
        keep_deals,
        announce,
        late_contacts.CountLateMail(parts.organisations, parts.mailboxes, parts.sightings, now),
    )
    replace = merging.ReplaceRecord(parts.records, look_up, write, parts.queue, now)
    name = exceptions.NameMailboxes(parts.mailboxes)
    put_back = exceptions.PutBack(parts.exceptions, parts.queue, now)
    hand = change_by_person.ChangeByPerson(parts.messages, parts.inbox, parts.queue, new_id)
    return ApiUseCases(
        identify_caller=callers.IdentifyCaller(parts.organisations, parts.settings.home_tenant_id),
        read_timeline=reading.ReadTimeline(parts.records, parts.timeline, visibility),
        read_message=reading.ReadMessage(visibility, parts.messages, parts.folders, parts.organisations),
        read_attachment=reading.ReadAttachment(visibility, parts.messages, parts.attachments),
        link_message=links.LinkMessage(visibility, parts.records, hand, now),
        unlink_message=links.UnlinkMessage(visibility, hand, now),
        read_inbox=inbox.ReadInbox(parts.inbox, parts.messages, parts.mailboxes, parts.records),
        decide=inbox.Decide(
            visibility, parts.messages, parts.organisations, parts.records, parts.index, hand, now
        ),
        undo_decision=inbox.UndoDecision(visibility, hand, now),
        put_record=records.PutRecord(look_up, write),
        get_record=records.GetRecord(parts.records),
        delete_record=records.DeleteRecord(parts.records, keep_deals, parts.organisations),
        load_records=records.LoadRecords(look_up, write),
        list_records=records.ListRecords(parts.records),
        list_opened=records.ListOpened(parts.records, parts.index),
        merge_contacts=merging.MergeContacts(parts.records, replace),
        rename_record=merging.RenameRecord(parts.records, replace),
        put_mailbox=mailboxes.PutMailbox(
            parts.mailboxes, connecting.register, connecting.examine, parts.queue, now, new_id
        ),
        get_mailbox=mailboxes.GetMailbox(parts.mailboxes),
        sync_now=mailboxes.SyncNow(parts.queue, now),
        manage_backfill=backfill.ManageBackfill(parts.backfills, parts.queue, now),
        preview_mailbox=preview.PreviewMailbox(
            parts.organisations,
            parts.mailboxes,
            parts.mail,
            parts.gather,
            parts.leases,
            now,
            parts.settings.hash_key,
        ),
        delete_mailbox=mailboxes.DeleteMailbox(parts.mailboxes, parts.queue, now),
        list_mailboxes=mailboxes.ListMailboxes(parts.mailboxes),
        get_organisation=organisations.GetOrganisation(parts.organisations),
        put_organisation=organisations.PutOrganisation(
            parts.organisations, parts.mailboxes, parts.queue, now
        ),
        list_organisations=organisations.ListOrganisations(parts.organisations),
        list_exceptions=exceptions.ListExceptions(parts.exceptions, name),
        replay_exception=exceptions.ReplayException(parts.exceptions, put_back, name),
        replay_exceptions=exceptions.ReplayExceptions(parts.exceptions, put_back),
        explain=explain.Explain(
            visibility=visibility,
            messages=parts.messages,
            mailboxes=parts.mailboxes,
            sightings=parts.sightings,
            folders=parts.folders,
            exceptions=parts.exceptions,
            hash_key=parts.settings.hash_key,
        ),
        rematch=rematch.Rematch(
            parts.organisations, parts.records, parts.messages, parts.reconsider, parts.queue, now
        ),
        audit_request=audit.AuditRequest(parts.audit, new_id, now, parts.settings.hash_key),
        read_audit=audit.ReadAudit(parts.audit),
        ask_erasure=erasing.AskErasure(
            parts.organisations, parts.erasures, parts.index, parts.queue, now, parts.settings.hash_key
        ),
        ask_deletion=deletion.AskDeletion(
            parts.organisations, parts.erasures, parts.queue, now, parts.settings.hash_key
        ),
        ask_to_connect=connecting.ask,
        show_connections=connecting.show,
        verify_connections=connecting.verify,
        disconnect=connecting.disconnect,
        take_answer=connecting.take_answer,
        test_mailbox=connecting.test_mailbox,
        test_mailboxes=connecting.test_mailboxes,
        take_over_address=connecting.take_over_address,
        clock=now,
    )
