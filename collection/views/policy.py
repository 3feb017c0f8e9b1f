"""Pages of the contact policy: what holds and where it comes from, drafts, their replay, and the proposal to a second person."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from collection import contact_rules, permissions, policy_charts, queues, replays
from collection.models import PolicyDraft, PolicyReplay
from collection.policy_forms import DraftForm, DropForm, ProposeForm, ReplayForm
from collection.views.work import person
from crm.lib import htmx
from crm.lib.permissions import needs
from customers import contact_packs, contacts
from customers.models import ContactVerdict
from governance import changes, rules
from governance.idempotency import Once
from governance.models import ChangeRequest, LegalEntity, Rule

DAYS, DRAFTS = 7, 20


@needs(permissions.VIEW_POLICY)
@require_GET
def policy(request: HttpRequest) -> HttpResponse:
    """Show the rules of every pack with their sources, which of them hold, and what they refused lately."""
    at, on = now(), localdate()
    held = contact_packs.held(on=on)
    rows = list(Rule.objects.filter(code__startswith="contact.", effective_to__isnull=True).order_by("code", "effective_from"))
    rows += list(Rule.objects.filter(code__startswith="contact.", effective_to__gt=on).order_by("code", "effective_from"))
    context = {
        "packs": [table(code, rows, on=on, inforce=held.name, sources=held.sources) for code in (held.name, contact_packs.HOUSE)],
        "others": [table(code, rows, on=on, inforce=held.name, sources=held.sources) for code in contact_packs.laws() if code != held.name],
        "refused": refusals(at),
        "days": DAYS,
        "waiting": contact_rules.waiting(),
        "drafts": PolicyDraft.objects.visible_to(request.user).select_related("made_by").order_by("-pk")[:DRAFTS],
        "may_draft": request.user.has_perm(permissions.DRAFT_POLICY),
    }
    return htmx.render(request, "collections/policy.html", "collections/policy.html", context)


def table(code: str, rows: list[Rule], *, on: Any, inforce: str, sources: Any) -> dict[str, Any]:
    """Return a pack as the page shows it: its rules with their values, sources and dates."""
    known = {row["code"]: row for row in contact_packs.shipped()[code]["rules"]}
    found = []
    for row in sorted((each for each in rows if each.code in known), key=lambda each: list(known).index(each.code)):
        row.word = contact_rules.word(known[row.code])  # type: ignore[attr-defined]
        row.shown = contact_rules.pack_name(row.value) if row.code == contact_packs.CHOSEN else rules.shown(row)  # type: ignore[attr-defined]
        row.warns = known[row.code]["part"] == "interval_days"  # type: ignore[attr-defined]
        row.binds = row.code in sources.values() and not row.warns  # type: ignore[attr-defined]
        row.coming = row.effective_from > on  # type: ignore[attr-defined]
        found.append(row)
    return {"code": code, "name": contact_rules.pack_name(code), "rows": found, "holds": code in (inforce, contact_packs.HOUSE)}


def refusals(at: datetime) -> dict[str, Any]:
    """Return how many contacts were refused lately, for a thousand asked, and by which rule."""
    rows = ContactVerdict.objects.filter(at__gt=at - timedelta(days=DAYS), at__lte=at)
    asked = rows.aggregate(all=Count("pk"), refused=Count("pk", filter=~Q(verdict=ContactVerdict.Kind.ALLOW)))
    by_rule = rows.exclude(verdict=ContactVerdict.Kind.ALLOW).order_by().values_list("rule").annotate(n=Count("pk")).order_by("-n", "rule")
    return asked | {
        "per_thousand": asked["refused"] * 1000 // asked["all"] if asked["all"] else None,
        "by_rule": [{"rule": rule, "word": contacts.SENTENCES.get(rule, rule), "count": n} for rule, n in by_rule],
    }


# --- drafts -----------------------------------------------------------------------------------------------------------------
@needs(permissions.DRAFT_POLICY)
def policy_new(request: HttpRequest) -> HttpResponse:
    """Write a draft; nothing is in force by it."""
    form = DraftForm(request.POST or None, today=localdate())
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        wrong = contact_rules.problems(form.values())
        if wrong:
            form.say(wrong)
        else:
            with form.refusals(), Once(person(request), data["form_key"], at=now()) as sent:
                if not sent.again:
                    made = contact_rules.draft(
                        title=data["title"], values=form.values(), since=data["since"], actor=person(request), at=now()
                    )
                    sent.result(reverse("policy-draft", args=[made.public_id]))
                    messages.success(request, _("The draft is saved. Replay it, then propose it."))
            if not form.errors:
                return htmx.go(request, sent.location)
    return form.page(request, "collections/policy_form.html", {})


def found(request: HttpRequest, public_id: str) -> PolicyDraft:
    return get_object_or_404(PolicyDraft.objects.visible_to(request.user).select_related("made_by"), public_id=public_id)


@needs(permissions.VIEW_POLICY)
@require_GET
def policy_draft(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show what a draft would change, its replays, and what comes next."""
    return draft_page(request, found(request, public_id))


def draft_page(request: HttpRequest, row: PolicyDraft, *, form: ReplayForm | None = None) -> HttpResponse:
    mine = request.user.has_perm(permissions.DRAFT_POLICY)
    context = {
        "draft": row,
        "lines": contact_rules.differences(row) if row.status != PolicyDraft.Status.LIVE else [],
        "values": [
            {"word": contact_rules.word(each), "value": contact_rules.said(each["code"], row.values.get(each["code"], ""))}
            for each in contact_rules.drafted()
            if each["code"] in row.values
        ],
        "replays": row.replays.select_related("job", "made_by").order_by("-pk")[:10],
        "waiting": contact_rules.waiting() if row.status == PolicyDraft.Status.PROPOSED else None,
        "form": form or (ReplayForm(today=localdate()) if mine and row.status != PolicyDraft.Status.DROPPED else None),
        "may_propose": mine and row.status == PolicyDraft.Status.DRAFT,
    }
    status = 422 if form is not None and form.errors else 200
    return htmx.render(request, "collections/policy_draft.html", "collections/policy_draft.html", context, status=status)


@needs(permissions.DRAFT_POLICY)
def policy_drop(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask whether the draft is to go, naming what goes with it; then drop it."""
    row, form = found(request, public_id), DropForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.refusals(), Once(person(request), form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                contact_rules.drop(row, actor=person(request), at=now())
                sent.result(reverse("contact-policy"))
                messages.success(request, _("The draft is dropped."))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {"draft": row, "replays": row.replays.count()}
    return form.page(request, "collections/policy_drop.html", context, part="collections/_policy_drop.html")


@needs(permissions.DRAFT_POLICY)
def policy_propose(request: HttpRequest, public_id: str) -> HttpResponse:
    """Put the draft before a second person."""
    row, form = found(request, public_id), ProposeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.refusals(), Once(person(request), form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                made = contact_rules.propose(row, reason=form.cleaned_data["reason"], actor=person(request), at=now())
                if made.status == ChangeRequest.Status.OPEN:
                    messages.success(request, _("Proposed: a second person confirms or refuses it."))
                else:
                    messages.warning(request, _("Nobody else could confirm it: the change is in force, and marked as made alone."))
                sent.result(reverse("policy-draft", args=[row.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {
        "draft": row,
        "checkers": bool(changes.checkers(contact_rules.KIND, but=person(request))),
        "lines": contact_rules.differences(row),
    }
    return form.page(request, "collections/policy_propose.html", context)


# --- replays -----------------------------------------------------------------------------------------------------------------
@needs(permissions.DRAFT_POLICY)
@require_POST
def policy_replay(request: HttpRequest, public_id: str) -> HttpResponse:
    """Order a replay of past contacts; its page shows how far it is."""
    row, form = found(request, public_id), ReplayForm(request.POST, today=localdate())
    if form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data["form_key"], at=now()) as sent:
            if not sent.again:
                made = replays.start(
                    row, entity=entity_of(request), since=data["since"], until=data["until"], actor=person(request), at=now()
                )
                sent.result(reverse("policy-replay", args=[made.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return draft_page(request, row, form=form)


def entity_of(request: HttpRequest) -> LegalEntity:
    """Return the lender this person works for: a replay is over all of it, as sums only."""
    return queues.lender_of(person(request))


@needs(permissions.VIEW_POLICY)
@require_GET
def replay(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a replay: how far it is, then what it found. While it runs the page asks again by itself."""
    row = PolicyReplay.objects.select_related("draft", "job", "made_by", "legal_entity").filter(public_id=public_id).first()
    if row is None or row.legal_entity_id != entity_of(request).pk:
        raise Http404
    shown = policy_charts.of_replay(row) if row.result is not None else {}
    if not row.job.is_over:
        shown["poll_url"] = reverse("policy-replay", args=[row.public_id])
    context = {"replay": row, "lines": contact_rules.lines_between(contact_rules.standing(), row.values), **shown}
    if htmx.wants_part(request) and not row.job.is_over:
        return htmx.part(request, "parts/_job.html", {"job": row.job, "poll_url": shown["poll_url"]})
    if htmx.wants_part(request):
        return htmx.go(request, reverse("policy-replay", args=[row.public_id]))
    return htmx.render(request, "collections/policy_replay.html", "collections/policy_replay.html", context)
