"""Rematching as JSON: the differences that a dry run found."""

from shared.api.models.matching import DifferenceModel, RematchModel
from shared.api.shapes import filing
from shared.domain.filing.visibility import NO_SIGHT, visible_links
from shared.domain.matching.rematching import Difference
from shared.services.matching.rematch import DifferencePage


def differences(page: DifferencePage) -> RematchModel:
    return RematchModel(
        run=None,
        differences=[
            difference
            for difference in map(_difference, page.differences)
            if difference.gained or difference.lost
        ],
        seen=page.seen,
        cursor=page.cursor,
    )


def _difference(found: Difference) -> DifferenceModel:
    """The difference without links that rest on a Bcc: only holders of a copy with that Bcc may see those."""
    return DifferenceModel(
        message_id=found.message_key,
        at=found.at,
        outcome_before=found.before.disposition.value,
        outcome_after=found.after.disposition.value,
        gained=[filing.link(link) for link in visible_links(found.gained, NO_SIGHT)],
        lost=[filing.link(link) for link in visible_links(found.lost, NO_SIGHT)],
    )
