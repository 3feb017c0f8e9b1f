"""Access reviews: every grant is answered by another person within their scope; revoking takes the role at once."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction

from crm.lib.errors import Invalid, NotAllowed, Stale
from governance import access_reviews
from governance.models import AccessReview, Notice, ReviewedGrant, User
from ledger.models import Entry
from tests.fixtures.cast import NOON, TODAY, Cast

DUE = TODAY + timedelta(days=10)


def start(cast: Cast, **changed: Any) -> AccessReview:
    return access_reviews.start(**{"title": "Quarter", "due_on": DUE, "actor": cast.compliance, "at": NOON} | changed)


def of(review: AccessReview, user: User) -> ReviewedGrant:
    return review.grants.get(user=user)


def answer(review: AccessReview, user: User, verdict: str, actor: User, words: str = "left the team") -> ReviewedGrant:
    return access_reviews.answer(of(review, user), verdict=verdict, words=words, actor=actor, at=NOON)


def test_it_puts_the_grants_of_a_team_a_role_or_everybody(cast: Cast) -> None:
    assert set(start(cast, team=cast.west).grants.values_list("user__username", flat=True)) == {
        "outsider",
        "west_underwriter",
        "west_collector",
    }
    assert set(start(cast, role=cast.roles["auditor"]).grants.values_list("user__username", flat=True)) == {"auditor"}
    everybody = start(cast)
    assert everybody.grants.count() == User.objects.filter(role__isnull=False, is_active=True).exclude(username="system").count()
    assert not everybody.grants.filter(user=cast.nobody).exists()
    with pytest.raises(access_reviews.NobodyThere):
        start(cast, team=cast.east_team)
    with pytest.raises(Invalid):
        start(cast, due_on=TODAY)
    with pytest.raises(NotAllowed):
        start(cast, actor=cast.collections_supervisor)


def test_revoking_takes_the_role_at_once_and_confirming_leaves_it(cast: Cast) -> None:
    review = start(cast, team=cast.west)
    assert Notice.objects.filter(code="access_review.started", user=cast.admin).exists()
    answer(review, cast.outsider, "revoked", cast.compliance)
    answer(review, cast.west_collector, "confirmed", cast.compliance, words="")
    gone, kept = (User.objects.get(pk=one.pk) for one in (cast.outsider, cast.west_collector))
    assert (gone.role, gone.version, kept.role) == (None, 2, cast.roles["collector"])
    assert not gone.has_perm("customers.view_customer")
    facts = Entry.objects.get(event="governance.user.changed").facts
    assert facts["role"] == {"from": "loan_officer", "to": None} and facts["review"] == review.public_id
    assert "left the team" not in str(list(Entry.objects.values_list("facts", flat=True)))
    answer(review, cast.west_underwriter, "confirmed", cast.compliance)
    review.refresh_from_db()
    assert (review.status, review.closed_at) == ("done", NOON), "every grant is answered"


def test_who_answers_for_whom(cast: Cast) -> None:
    review = start(cast)
    with pytest.raises(NotAllowed):
        answer(review, cast.compliance, "confirmed", cast.compliance)
    supervisor = cast.collections_supervisor
    assert answer(review, cast.collector, "confirmed", supervisor).decided_by == supervisor
    for outside in (cast.west_collector, cast.auditor):
        with pytest.raises(NotAllowed):
            answer(review, outside, "confirmed", supervisor)
    with pytest.raises(NotAllowed):
        answer(review, cast.outsider, "revoked", cast.auditor)
    with pytest.raises(Invalid):
        answer(review, cast.outsider, "revoked", cast.compliance, words=" ")
    with pytest.raises(IntegrityError, match="reviewed_grant_by_another"), transaction.atomic():
        ReviewedGrant.objects.filter(review=review, user=cast.admin).update(verdict="confirmed", decided_by=cast.admin)


def test_what_changed_meanwhile_is_looked_at_again(cast: Cast) -> None:
    review = start(cast, team=cast.west)
    User.objects.filter(pk=cast.outsider.pk).update(role=cast.roles["underwriter"])
    with pytest.raises(Stale):
        answer(review, cast.outsider, "confirmed", cast.compliance)
    assert of(review, cast.outsider).role == cast.roles["underwriter"]
    assert answer(review, cast.outsider, "revoked", cast.compliance).verdict == "revoked"
    User.objects.filter(pk=cast.west_collector.pk).update(role=None)
    assert answer(review, cast.west_collector, "revoked", cast.compliance).verdict == "revoked", "the campaign can end"


def test_two_reviewers_at_once_answer_once(transactional_db: None, cast: Cast) -> None:
    review = start(cast, team=cast.west)
    barrier = Barrier(2)

    def race(pair: tuple[User, str]) -> str:
        try:
            mine = of(review, cast.outsider)
            barrier.wait(timeout=10)
            access_reviews.answer(mine, verdict=pair[1], words="x", actor=pair[0], at=NOON)
        except (access_reviews.Answered, Stale):
            return "told"
        finally:
            connections.close_all()
        return "answered"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(race, [(cast.compliance, "revoked"), (cast.admin, "confirmed")])) == ["answered", "told"]
    assert Entry.objects.filter(event="governance.access_review.answered").count() == 1


def test_reviewers_are_reminded_once_a_day_while_it_is_due_or_late(cast: Cast) -> None:
    start(cast, team=cast.west)
    late = NOON + timedelta(days=12)
    assert access_reviews.remind(at=NOON) == 0
    assert access_reviews.remind(at=late) > 0
    assert access_reviews.remind(at=late) == 0
    assert Notice.objects.filter(code="access_review.due", user=cast.compliance).count() == 1
    assert not Notice.objects.filter(code="access_review.due", user=cast.collections_supervisor).exists(), "nothing of the west is hers"


def test_the_pages_from_start_to_file(cast: Cast, page_of: Any) -> None:
    browser = page_of(cast.compliance)
    data = {"title": "West", "team": cast.west.pk, "role": "", "due_on": "2099-01-01"}
    assert browser.post("/governance/reviews/new/", data).status_code == 422
    from django.utils.timezone import localdate

    made = browser.post("/governance/reviews/new/", data | {"due_on": (localdate() + timedelta(days=5)).isoformat()})
    url = made["Location"]
    page = browser.get(url).text
    assert "Outsider" in page and "West" in browser.get("/governance/reviews/").text and "3 grants wait for you" in browser.get("/").text
    grant = ReviewedGrant.objects.get(user=cast.outsider)
    User.objects.filter(pk=cast.outsider.pk).update(name="=cmd|' /C calc'!A0")
    assert browser.post(f"{url}{grant.pk}/", {"verdict": "revoked", "words": "gone"}).status_code == 303
    assert "Outsider" not in browser.get(url).text
    rows = list(csv.reader(io.StringIO(browser.get(f"{url}result.csv").content.decode("utf-8-sig"))))
    assert len(rows) == 4 and rows[1][0].startswith("'=cmd") and rows[1][5] == "Revoked"
    assert page_of(cast.collections_supervisor).get(f"{url}result.csv").status_code == 403
    assert (
        page_of(cast.collections_supervisor)
        .post(f"{url}{of(AccessReview.objects.get(), cast.west_collector).pk}/", {"verdict": "confirmed"})
        .status_code
        == 403
    )


def test_the_auditor_reads_what_waits_and_a_supervisor_nothing_of_another_branch(cast: Cast, page_of: Any) -> None:
    review = access_reviews.start(
        title="West", team=cast.west, due_on=(NOON + timedelta(days=5)).date(), actor=cast.compliance, at=NOON
    )  # fmt: skip
    access_reviews.answer(of(review, cast.outsider), verdict="confirmed", words="", actor=cast.compliance, at=NOON)
    url = f"/governance/reviews/{review.public_id}/"
    auditor = page_of(cast.auditor)
    page = auditor.get(url).text
    assert "Not answered yet" in page and 'name="verdict"' not in page
    assert "Outsider" in auditor.get(f"{url}?tab=answered").text
    assert "Outsider" not in page_of(cast.collections_supervisor).get(f"{url}?tab=answered").text
