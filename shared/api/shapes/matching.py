"""Rematching as JSON: the differences that a dry run found."""

from dataclasses import replace

from shared.api.models.filing import LinkModel
from shared.api.models.matching import DifferenceModel, RematchModel
from shared.api.shapes import filing
from shared.domain.matching.matching import Link
from shared.domain.matching.rematching import Difference
from shared.services.filing.reading import BCC
from shared.services.matching.rematch import DifferencePage


def differences(page: DifferencePage) -> RematchModel:
    return RematchModel(
        run=None,
        differences=[_difference(difference) for difference in page.differences],
        seen=page.seen,
        cursor=page.cursor,
    )


def _difference(found: Difference) -> DifferenceModel:
    return DifferenceModel(
        message_id=found.message_key,
        at=found.at,
        outcome_before=found.before.disposition.value,
        outcome_after=found.after.disposition.value,
        gained=[_public_link(link) for link in found.gained],
        lost=[_public_link(link) for link in found.lost],
    )


def _public_link(link: Link) -> LinkModel:
    """The link without evidence from a Bcc, which only holders of a copy with that Bcc may see."""
    is_private = link.evidence.startswith(BCC)
    return filing.link(replace(link, evidence="") if is_private else link)
