"""Quality of contacts: draw a sample, score by the form, calibrate, reply; and the flags that words raise the same day.

A score is the weight of what was done over the weight of what could be asked, of 100; a question that may not fail makes it 0.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Avg, Count, Exists, OuterRef, Q, QuerySet
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from collection import flag_words, permissions
from collection.models import Contact, ContactFlag, QualityForm, QualityReview, Recording
from collection.models.case import Channel, Outcome
from credit import books
from crm.lib.errors import DomainError, Invalid, NotAllowed
from governance import rules
from governance.lifecycle import move
from governance.models import LegalEntity, User
from governance.models.identity import chinese
from ledger import log

FILE = Path(__file__).parent / "data" / "quality.json"
WORDS = "collections.quality.words"
YES, NO, NOT_ASKED = "yes", "no", "na"
ANSWERS = (YES, NO, NOT_ASKED)
MOST_QUESTIONS, MOST_SAMPLE, LONGEST = 15, 50, 2_000
TENTH, FULL = Decimal("0.1"), Decimal(100)
NOBODY_ANSWERED = (Outcome.NO_ANSWER, Outcome.BUSY, Outcome.SENT, Outcome.RETURNED, Outcome.NOT_MET)
Status, Drawn = QualityReview.Status, QualityReview.Drawn


class OwnContact(NotAllowed):
    """Nobody scores their own contacts."""

    code = "own_contact"


class NotYours(NotAllowed):
    """Only who made a contact replies to its score."""

    code = "not_your_contact"


class NothingToDraw(DomainError):
    """No contact of these days is left to draw."""

    code = "nothing_to_draw"


@cache
def shipped() -> dict[str, Any]:
    return dict(json.loads(FILE.read_text()))


# --- the form ------------------------------------------------------------------------------------------------------
def current() -> QualityForm | None:
    """Return the newest version of the form."""
    return QualityForm.objects.order_by("-number").first()


def said(question: Mapping[str, Any]) -> str:
    """Return a question in the reader's language."""
    return str(question["zh" if chinese() else "en"])


@transaction.atomic
def put_form(*, questions: Sequence[Mapping[str, Any]], why: str, actor: User, at: datetime) -> QualityForm:
    """Make a new version of the form; scores of before keep theirs.

    :raises Invalid: without questions, without words in both languages, or with weights that cannot be
    """
    found: dict[str, Any] = {}
    if not 0 < len(questions) <= MOST_QUESTIONS:
        found["__all__"] = _("A form has 1 to 15 questions.")
    codes = [question.get("code") or f"q{place + 1}" for place, question in enumerate(questions)]
    if len(set(codes)) < len(codes):
        found["__all__"] = _("Two questions have one code: answers would be mixed up.")
    for place, question in enumerate(questions):
        if not question["en"].strip() or not question["zh"].strip():
            found[f"zh_{place}"] = _("Write each question in both languages.")
        if not 1 <= question["weight"] <= 100:
            found[f"weight_{place}"] = _("A weight is a whole number from 1 to 100.")
    if not why.strip():
        found["why"] = _("Say what the change is for.")
    if found:
        raise Invalid(_("Some values cannot be; see the fields."), fields=found)
    newest = QualityForm.objects.select_for_update().order_by("-number").first()
    made = QualityForm.objects.create(
        number=newest.number + 1 if newest else 1, why=why.strip(), made_by=actor, made_at=at,
        questions=[
            {"code": codes[place], "en": each["en"].strip(), "zh": each["zh"].strip(), "weight": each["weight"],
             "critical": bool(each["critical"])}
            for place, each in enumerate(questions)
        ],
    )  # fmt: skip
    log.record("collections.quality.form_made", made, actor=actor, at=at, number=made.number, questions=len(made.questions))
    return made


def scored(questions: Sequence[Mapping[str, Any]], answers: Mapping[str, str]) -> tuple[Decimal, bool]:
    """Return the score of 0 to 100 to a tenth, and whether a question that may not fail did; nothing asked is full."""
    asked = [question for question in questions if answers.get(question["code"]) in (YES, NO)]
    if any(question["critical"] and answers[question["code"]] == NO for question in asked):
        return Decimal("0.0"), True
    whole = sum(question["weight"] for question in asked)
    good = sum(question["weight"] for question in asked if answers[question["code"]] == YES)
    share = Decimal(good) * FULL / Decimal(whole) if whole else FULL
    return share.quantize(TENTH, rounding=ROUND_HALF_UP), False


# --- the sample ----------------------------------------------------------------------------------------------------
def span(entity: LegalEntity, since: date, until: date) -> tuple[datetime, datetime]:
    zone = ZoneInfo(entity.zone)
    return datetime.combine(since, time.min, tzinfo=zone), datetime.combine(until + timedelta(days=1), time.min, tzinfo=zone)


def drawable(entity: LegalEntity, *, since: date, until: date) -> QuerySet[Contact]:
    """Return the conversations of some days that nobody drew yet."""
    first, last = span(entity, since, until)
    return Contact.objects.filter(
        ~Exists(QualityReview.objects.filter(contact=OuterRef("pk"))), case__legal_entity=entity, at__gte=first, at__lt=last,
        channel__in=(Channel.CALL, Channel.INBOUND),
    ).exclude(outcome__in=NOBODY_ANSWERED)  # fmt: skip


@transaction.atomic
def draw(entity: LegalEntity, *, since: date, until: date, each: int, seed: str, actor: User, at: datetime) -> list[QualityReview]:
    """Draw a sample: `each` conversations of every collector by chance, and every one whose words raised a flag.

    Of a collector whose calls were recorded only recorded ones are drawn. The same seed over the same contacts draws the same sample.

    :raises Invalid: for days the wrong way round, or more than a few for each
    :raises NothingToDraw: if nothing is left
    """
    found: dict[str, Any] = {}
    if until < since:
        found["until"] = _("The last day cannot lie before the first.")
    elif until > (today := books.value_day(entity, at)):
        found["until"] = _("The day must be from %(first)s to %(last)s.") % {"first": since.isoformat(), "last": today.isoformat()}
    if not 1 <= each <= MOST_SAMPLE:
        found["each"] = _("Draw 1 to 50 for each collector.")
    if not 0 < len(seed.strip()) <= 40:
        found["seed"] = _("Enter a seed of up to 40 characters: the sample can be drawn again with it.")
    if found:
        raise Invalid(_("Some values cannot be; see the fields."), fields=found)
    rows = drawable(entity, since=since, until=until)
    recorded = Exists(Recording.objects.filter(contact=OuterRef("pk")))
    by_person: dict[int, list[tuple[int, bool]]] = {}
    for pk, person, has_sound in rows.annotate(recorded=recorded).order_by("pk").values_list("pk", "actor", "recorded"):
        by_person.setdefault(person, []).append((pk, has_sound))
    chosen: dict[int, str] = {}
    first, last = span(entity, since, until)
    flagged = ContactFlag.objects.filter(
        contact__case__legal_entity=entity, contact__at__gte=first, contact__at__lt=last, contact__reviews=None
    )
    for pk in flagged.order_by("contact").values_list("contact", flat=True):
        chosen[pk] = Drawn.FLAG
    for person, contacts in sorted(by_person.items()):
        pool = [pk for pk, has_sound in contacts if has_sound] or [pk for pk, _sound in contacts]
        for pk in Random(f"{seed.strip()}:{person}").sample(pool, min(each, len(pool))):  # noqa: S311  a sample, not a secret
            chosen.setdefault(pk, Drawn.CHANCE)
    if not chosen:
        raise NothingToDraw(_("No conversation of these days is left to draw."))
    made = QualityReview.objects.bulk_create(
        [QualityReview(contact_id=pk, drawn=why, seed=seed.strip(), drawn_by=actor, drawn_at=at) for pk, why in sorted(chosen.items())],
        ignore_conflicts=True,
    )
    log.record_many(
        "collections.quality.drawn",
        [log.Row(LegalEntity._meta.label_lower, entity.pk, None, {"since": since, "until": until, "each": each, "seed": seed.strip(), "drawn": len(made)})],
        actor=actor, at=at,
    )  # fmt: skip
    return list(QualityReview.objects.filter(contact__in=chosen, round=1).order_by("pk"))


def seen_by(user: User) -> Any:
    """Return the reviews a person sees: who scores or audits those of their branch, a collector their own once they are scored."""
    rows = QualityReview.objects.visible_to(user)
    if user.has_perm(permissions.SCORE_QUALITY) or not user.has_perm(permissions.CONTACT):
        return rows
    return rows.filter(contact__actor=user).exclude(status=Status.WAITING)


# --- scoring -------------------------------------------------------------------------------------------------------
@transaction.atomic
def score(review: QualityReview, *, answers: Mapping[str, str], note: str, actor: User, at: datetime) -> QualityReview:
    """Score a contact by the form in force; who made it is told.

    :raises OwnContact: if it is a contact of `actor`, or they scored it before
    :raises Invalid: with a sentence per question without an answer
    """
    row = QualityReview.objects.select_for_update(of=("self",)).select_related("contact__case", "contact__actor").get(pk=review.pk)
    if row.contact.actor_id == actor.pk:
        raise OwnContact(_("This is your own contact: somebody else scores it."))
    if row.round == 2 and QualityReview.objects.filter(contact=row.contact, round=1, reviewer=actor).exists():
        raise OwnContact(_("You scored this contact: the second scoring is for another person."))
    form = current()
    if form is None:
        raise Invalid(_("There is no form to score by yet."))
    found: dict[str, Any] = {
        f"q_{each['code']}": _("Answer every question.") for each in form.questions if answers.get(each["code"]) not in ANSWERS
    }
    if len(note.strip()) > LONGEST:
        found["note"] = _("Write at most 2,000 characters.")
    if found:
        raise Invalid(_("Some values cannot be; see the fields."), fields=found)
    points, failed = scored(form.questions, answers)
    row.note = note.strip() or None
    row.save(update_fields=["note"])
    known = {each["code"]: answers[each["code"]] for each in form.questions}
    return move(
        row, Status.SCORED, actor=actor, at=at, event="collections.quality.scored", form=form, answers=known, score=points, failed=failed,
        reviewer=actor, scored_at=at, facts={"case": row.contact.case.public_id, "score": points, "failed": failed, "round": row.round},
    )  # fmt: skip


@transaction.atomic
def second(review: QualityReview, *, actor: User, at: datetime) -> QualityReview:
    """Ask for a second scoring of a contact, to hold reviewers against each other; asked twice it is one.

    :raises Invalid: if the first is not scored
    """
    if review.status == Status.WAITING or review.round != 1:
        raise Invalid(_("Only what is scored once is scored a second time."))
    made, fresh = QualityReview.objects.get_or_create(
        contact=review.contact, round=2, defaults={"drawn": Drawn.SECOND, "drawn_by": actor, "drawn_at": at}
    )
    if fresh:
        log.record("collections.quality.second_asked", made, actor=actor, at=at)
    return made


def differences(first: QualityReview, other: QualityReview) -> list[dict[str, Any]]:
    """Return the questions two reviewers answered differently."""
    questions = first.form.questions if first.form else []
    return [
        {"question": said(each), "first": first.answers.get(each["code"], ""), "second": other.answers.get(each["code"], "")}
        for each in questions
        if each["code"] in other.answers and first.answers.get(each["code"]) != other.answers[each["code"]]
    ]


@transaction.atomic
def reply(review: QualityReview, *, words: str, actor: User, at: datetime) -> QualityReview:
    """Let who made the contact say what they think of the score.

    :raises NotYours: if it is somebody else's contact
    :raises IllegalMove: if it is not scored, or was replied to
    :raises Invalid: without words
    """
    row = QualityReview.objects.select_for_update(of=("self",)).select_related("contact__case").get(pk=review.pk)
    if row.contact.actor_id != actor.pk:
        raise NotYours(_("Only who made the contact replies."))
    return worded(row, "reply", words, Status.REPLIED, event="collections.quality.replied", actor=actor, at=at, replied_at=at)


@transaction.atomic
def settle(review: QualityReview, *, words: str, actor: User, at: datetime) -> QualityReview:
    """Answer a reply; the score stays as the form gave it.

    :raises IllegalMove: if nobody replied, or it is settled
    :raises Invalid: without words
    """
    row = QualityReview.objects.select_for_update(of=("self",)).select_related("contact__case").get(pk=review.pk)
    return worded(row, "answer", words, Status.CLOSED, event="collections.quality.settled", actor=actor, at=at)


def worded(row: QualityReview, column: str, words: str, to: str, *, event: str, actor: User, at: datetime, **more: Any) -> QualityReview:
    text = words.strip()
    if not 0 < len(text) <= LONGEST:
        sentence = _("Write 1 to 2,000 characters.")
        raise Invalid(sentence, fields={"words": sentence})
    setattr(row, column, text)
    row.save(update_fields=[column])
    return move(row, to, actor=actor, at=at, event=event, facts={"case": row.contact.case.public_id}, **more)


def results(rows: QuerySet[QualityReview]) -> list[dict[str, Any]]:
    """Return the mean score of each collector with how many were scored and failed; one statement."""
    scored_ = rows.filter(round=1).exclude(status=Status.WAITING).order_by()
    found: Any = scored_.values("contact__actor__name", "contact__actor").annotate(
        n=Count("pk"), mean=Avg("score"), failed=Count("pk", filter=Q(failed=True))
    )
    return sorted(found, key=lambda row: (row["mean"], row["contact__actor"]))


# --- flags ---------------------------------------------------------------------------------------------------------
def lists(on: date) -> flag_words.Lists:
    """Return the words that raise a flag on a day."""
    found: flag_words.Lists = rules.value(WORDS, on=on)
    return found


@transaction.atomic
def scan(contact: Contact, *, at: datetime) -> list[ContactFlag]:
    """Flag a contact whose note or transcripts hold words of the lists; told twice, each flag is one."""
    words = lists(localdate(at))
    texts = [(ContactFlag.Where.NOTE, contact.note or "")]
    texts += [(ContactFlag.Where.TRANSCRIPT, row.transcript or "") for row in Recording.objects.filter(contact=contact)]
    counts: dict[tuple[str, str], int] = {}
    for where, text in texts:
        for hit in flag_words.find(text, words):
            counts[hit.kind, where] = counts.get((hit.kind, where), 0) + 1
    known = set(ContactFlag.objects.filter(contact=contact).values_list("kind", "where"))
    made = ContactFlag.objects.bulk_create(
        [
            ContactFlag(contact=contact, kind=kind, where=where, number=number, found_at=at)
            for (kind, where), number in sorted(counts.items())
            if (kind, where) not in known
        ],
        ignore_conflicts=True,
    )
    if made:
        log.record(
            "collections.contact.flagged", contact, actor=None, at=at, customer_id=contact.case.customer_id, case=contact.case.public_id,
            kinds=sorted({flag.kind for flag in made}),
        )  # fmt: skip
    return made


@transaction.atomic
def settle_flag(flag: ContactFlag, *, outcome: str, actor: User, at: datetime) -> ContactFlag:
    """Say what the look at a flag found. Of two who look at once one says it.

    :raises OwnContact: if it is a contact of `actor`
    :raises Invalid: if the outcome is none of the list, or it is settled
    """
    if flag.contact.actor_id == actor.pk:
        raise OwnContact(_("This is your own contact: somebody else looks at it."))
    if outcome not in (ContactFlag.Result.CONFIRMED, ContactFlag.Result.HARMLESS):
        raise Invalid(_("Choose what you found."))
    changes = {"outcome": outcome, "settled_by": actor, "settled_at": at}
    if not ContactFlag.objects.filter(pk=flag.pk, outcome=ContactFlag.Result.OPEN).update(**changes):
        raise Invalid(_("Somebody looked at this already."))
    for name, value in changes.items():
        setattr(flag, name, value)
    log.record(
        "collections.quality.flag_settled",
        flag,
        actor=actor,
        at=at,
        customer_id=flag.contact.case.customer_id,
        outcome=outcome,
        kind=flag.kind,
    )
    return flag
