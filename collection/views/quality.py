"""Quality of contacts: the list, one review with its form, what a collector sees of their own, the flags, the form's versions."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from collection import flag_words, permissions, quality, queues, recordings
from collection.models import ContactFlag, QualityReview, Recording
from collection.quality_forms import DrawForm, QuestionsForm, ScoreForm, WordsForm
from collection.views.policy import entity_of
from collection.views.work import person
from crm.lib import htmx
from crm.lib.errors import NotAllowed
from crm.lib.permissions import needs
from governance.idempotency import Once

LISTED = 50
STATES = ("waiting", "scored", "replied", "closed")


def theirs(request: HttpRequest) -> Any:
    return quality.seen_by(person(request))


@needs(permissions.VIEW_QUALITY)
@require_GET
def quality_list(request: HttpRequest) -> HttpResponse:
    """Show what waits to be scored, what was scored, the flags to look at, and the mean of each collector."""
    user, may_score = person(request), person(request).has_perm(permissions.SCORE_QUALITY)
    state = request.GET.get("status", "")
    state = state if state in STATES else ("waiting" if may_score else "")
    rows = theirs(request).for_list()
    shown = list((rows.filter(status=state) if state else rows).order_by("-pk")[:LISTED])
    flags = ContactFlag.objects.visible_to(request.user).for_list().filter(outcome="open").order_by("-pk")[:LISTED] if may_score else []
    today = queues.today(user, now())
    context = {
        "rows": shown,
        "state": state,
        "states": [(code, QualityReview.Status(code).label) for code in STATES if may_score or code != "waiting"],
        "flags": list(flags),
        "means": quality.results(theirs(request).filter(scored_at__gte=now() - timedelta(days=90))),
        "may_score": may_score,
        "form": DrawForm(initial={"since": today - timedelta(days=7), "until": today, "each": 3, "seed": today.isoformat()})
        if may_score
        else None,
        "current": quality.current(),
    }
    return htmx.render(request, "collections/quality.html", "collections/quality.html", context)


@needs(permissions.SCORE_QUALITY)
@require_POST
def draw(request: HttpRequest) -> HttpResponse:
    """Draw a sample; the list shows what waits."""
    form = DrawForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data["form_key"], at=now()) as sent:
            if not sent.again:
                made = quality.draw(
                    entity_of(request), since=data["since"], until=data["until"], each=data["each"], seed=data["seed"],
                    actor=person(request), at=now(),
                )  # fmt: skip
                drawn = ngettext("%(n)s contact is drawn.", "%(n)s contacts are drawn.", len(made))
                messages.success(request, drawn % {"n": len(made)})
                sent.result(reverse("quality"))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "collections/quality_draw.html", {})


def found(request: HttpRequest, public_id: str) -> QualityReview:
    row: QualityReview = theirs(request).for_list().get_for(request.user, public_id)
    return row


def review_page(request: HttpRequest, row: QualityReview, *, form: ScoreForm | None = None, words: WordsForm | None = None) -> HttpResponse:
    """Show a contact with its words marked, the form while it waits, and what was found, replied and answered."""
    user = person(request)
    lists = quality.lists(localdate())
    sounds = list(Recording.objects.filter(contact=row.contact).order_by("pk"))
    may_score = user.has_perm(permissions.SCORE_QUALITY)
    waits, mine = row.status == QualityReview.Status.WAITING, row.contact.actor_id == user.pk
    pair = {
        each.round: each
        for each in QualityReview.objects.filter(contact=row.contact).exclude(status="waiting").select_related("form", "reviewer")
    }
    standing = quality.current()
    context: dict[str, Any] = {
        "review": row,
        "contact": row.contact,
        "note": flag_words.marked(row.contact.note or "", lists),
        "sounds": [{"row": each, "pieces": flag_words.marked(each.transcript or "", lists)} for each in sounds],
        "flags": list(row.contact.flags.order_by("pk")) if may_score else [],
        "kinds": dict(ContactFlag.Kind.choices),
        "form": form or (ScoreForm(questions=standing.questions) if waits and may_score and not mine and standing else None),
        "answers": [
            {
                "question": quality.said(each),
                "answer": row.answers.get(each["code"], ""),
                "weight": each["weight"],
                "critical": each["critical"],
            }
            for each in (row.form.questions if row.form else [])
        ],
        "other": pair.get(2 if row.round == 1 else 1) if may_score else None,
        "differences": quality.differences(pair[1], pair[2]) if may_score and len(pair) == 2 else [],
        "may_second": may_score and row.round == 1 and not waits and 2 not in pair,
        "may_reply": mine and row.status == QualityReview.Status.SCORED,
        "may_settle": may_score and not mine and row.status == QualityReview.Status.REPLIED,
        "words": words or WordsForm(),
        "mine": mine,
    }
    status = 422 if (form and form.errors) or (words and words.errors) else 200
    return htmx.render(request, "collections/quality_review.html", "collections/quality_review.html", context, status=status)


@needs(permissions.VIEW_QUALITY)
@require_GET
def review(request: HttpRequest, public_id: str) -> HttpResponse:
    return review_page(request, found(request, public_id))


@needs(permissions.SCORE_QUALITY)
@require_POST
def score(request: HttpRequest, public_id: str) -> HttpResponse:
    """Score a contact, or ask for a second scoring."""
    row = found(request, public_id)
    if "second" in request.POST:
        made = quality.second(row, actor=person(request), at=now())
        messages.success(request, _("A second scoring waits for another person."))
        return htmx.go(request, reverse("quality-review", args=[made.public_id]))
    standing = quality.current()
    form = ScoreForm(request.POST, questions=standing.questions if standing else [])
    if form.is_valid():
        with form.refusals(), Once(person(request), form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                quality.score(row, answers=form.answers(), note=form.cleaned_data["note"], actor=person(request), at=now())
                sent.result(reverse("quality-review", args=[row.public_id]))
                messages.success(request, _("The contact is scored."))
        if not form.errors:
            return htmx.go(request, sent.location)
    return review_page(request, row, form=form)


@needs(permissions.VIEW_QUALITY)
@require_POST
def words(request: HttpRequest, public_id: str) -> HttpResponse:
    """Reply to the score of one's own contact, or answer a reply."""
    row, form = found(request, public_id), WordsForm(request.POST)
    if form.is_valid():
        with form.refusals(), Once(person(request), form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                said = form.cleaned_data["words"]
                if "settle" not in request.POST:
                    quality.reply(row, words=said, actor=person(request), at=now())
                elif person(request).has_perm(permissions.SCORE_QUALITY):
                    quality.settle(row, words=said, actor=person(request), at=now())
                else:
                    raise NotAllowed(_("You may not do this."))
                sent.result(reverse("quality-review", args=[row.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return review_page(request, row, words=form)


@needs(permissions.VIEW_QUALITY)
@require_GET
def sound(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
    """Hand out the sound of a review's recording, by its place; who hears it stands in the ledger."""
    row = found(request, public_id)
    sounds = list(Recording.objects.filter(contact=row.contact).select_related("case").order_by("pk"))
    if not 1 <= number <= len(sounds):
        raise recordings.NoSound(_("There is no such recording."))
    one = sounds[number - 1]
    content = recordings.heard(one, actor=person(request), at=now())
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{one.public_id}"',
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(content, content_type=one.media_type, headers=headers)


@needs(permissions.SCORE_QUALITY)
@require_POST
def flag_settle(request: HttpRequest, public_id: str) -> HttpResponse:
    """Say what the look at a flag found."""
    row: ContactFlag = ContactFlag.objects.for_list().get_for(request.user, public_id)
    quality.settle_flag(row, outcome=request.POST.get("outcome", ""), actor=person(request), at=now())
    messages.success(request, _("Noted."))
    return htmx.go(request, reverse("quality"))


@needs(permissions.SCORE_QUALITY)
@require_GET
def flag(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a flagged contact with its words marked."""
    row: ContactFlag = ContactFlag.objects.for_list().get_for(request.user, public_id)
    lists = quality.lists(localdate())
    sounds = list(Recording.objects.filter(contact=row.contact).order_by("pk"))
    context = {
        "flag": row,
        "contact": row.contact,
        "note": flag_words.marked(row.contact.note or "", lists),
        "sounds": [{"row": each, "pieces": flag_words.marked(each.transcript or "", lists)} for each in sounds],
        "kinds": dict(ContactFlag.Kind.choices),
        "is_open": row.outcome == ContactFlag.Result.OPEN and row.contact.actor_id != person(request).pk,
    }
    return htmx.render(request, "collections/quality_flag.html", "collections/quality_flag.html", context)


@needs(permissions.SCORE_QUALITY)
@require_http_methods(["GET", "POST"])
def questions(request: HttpRequest) -> HttpResponse:
    """Change the form: a new version."""
    standing = quality.current()
    rows = standing.questions if standing else quality.shipped()["questions"]
    form = QuestionsForm(request.POST or None, questions=rows)
    if request.method == "POST" and form.is_valid():
        with form.refusals(), Once(person(request), form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                made = quality.put_form(questions=form.rows(), why=form.cleaned_data["why"], actor=person(request), at=now())
                sent.result(reverse("quality"))
                messages.success(request, _("Version %(number)s of the form holds from now on.") % {"number": made.number})
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "collections/quality_questions.html", {"current": standing})
