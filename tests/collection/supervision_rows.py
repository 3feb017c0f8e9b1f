"""A flagged contact and its review, for the tests that ask of every address."""

from datetime import datetime
from typing import Any

from collection import quality
from collection.models import Contact, ContactFlag, QualityReview


def quality_rows(case: Any, *, worker: Any, cast: Any, at: datetime) -> dict[str, str]:
    """Return the public ids of a scored review and of an open flag of one contact of `worker`."""
    contact = Contact.objects.create(
        case=case, channel="call", outcome="refused", at=at, actor=worker, note="他是骗子", next_action="call", next_action_on=at.date()
    )
    quality.scan(contact, at=at)
    review = QualityReview.objects.create(contact=contact, drawn="chance", seed="x", drawn_by=cast.system, drawn_at=at)
    form = quality.current()
    assert form is not None
    answers = {each["code"]: "yes" for each in form.questions}
    quality.score(review, answers=answers, note="", actor=cast.compliance, at=at)
    return {"quality_review": review.public_id, "contact_flag": ContactFlag.objects.get(contact=contact).public_id}
