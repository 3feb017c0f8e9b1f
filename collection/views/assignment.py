"""The assignment rules and the roster: what is in force, drafts with their preview, who can what and carries how much."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from collection import assignment, assignment_plans, assignment_words, permissions, roster, team, workers
from collection.assignment_forms import CollectorForm, RuleForm, WhyForm
from collection.models import AssignmentPlan, AssignmentRule, AssignmentRun, Collector
from collection.views.policy import entity_of
from collection.views.work import person
from credit import books
from credit.models import Product
from crm.lib import htmx
from crm.lib.permissions import needs
from governance.idempotency import Once
from governance.models import User

DRAFTS = 10
PLAN = "assignment-plan"


def rules_of(plan: AssignmentPlan | None) -> list[AssignmentRule]:
    """Return the rules of a version in their order, each in sentences for the page."""
    rows = list(plan.rules.select_related("branch", "team").order_by("position")) if plan else []
    for row in rows:
        row.which, row.whom = assignment_words.conditions(row), assignment_words.target(row)  # type: ignore[attr-defined]
    return rows


@needs(permissions.PLAN_TEAM)
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Show the rules in force, drafts, and what the last runs did."""
    entity, at = entity_of(request), now()
    plan = assignment.live(entity)
    runs = assignment_plans.recent(entity, on=books.value_day(entity, at))
    last = next((run for run in runs if run.result is not None), None)
    context = {
        "plan": plan,
        "rules": rules_of(plan),
        "runs": runs,
        "last": last,
        "lines": assignment_words.lines(assignment.Outcome.read(last.result), last.plan.rules.all()) if last else None,
        "drafts": AssignmentPlan.objects.visible_to(request.user).filter(status="draft").select_related("made_by").order_by("-pk")[:DRAFTS],
    }
    return htmx.render(request, "collections/assignment.html", "collections/assignment.html", context)


@needs(permissions.PLAN_TEAM)
@require_http_methods(["GET", "POST"])
def plan_new(request: HttpRequest) -> HttpResponse:
    """Begin a new version from what is in force."""
    form = WhyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.refusals(), Once(person(request), form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                made = assignment_plans.draft(entity_of(request), why=form.cleaned_data["why"], actor=person(request), at=now())
                sent.result(reverse(PLAN, args=[made.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "collections/assignment_new.html", {})


def found(request: HttpRequest, public_id: str) -> AssignmentPlan:
    rows = AssignmentPlan.objects.visible_to(request.user).select_related("legal_entity", "made_by", "live_by")
    return get_object_or_404(rows, public_id=public_id)


def rule_of(plan: AssignmentPlan, position: int) -> AssignmentRule:
    row = plan.rules.select_related("plan", "team", "branch").filter(position=position).first()
    if row is None:
        raise Http404
    return row


@needs(permissions.PLAN_TEAM)
@require_GET
def plan(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a version; a draft with what it would make of the cases as they stand now."""
    row, at = found(request, public_id), now()
    rules = rules_of(row)
    is_draft = row.status == AssignmentPlan.Status.DRAFT
    context = {
        "plan": row,
        "rules": rules,
        "is_draft": is_draft,
        "lines": assignment_words.lines(previewed(row, at), rules) if is_draft and rules else None,
        "at": at,
    }
    return htmx.render(request, "collections/assignment_plan.html", "collections/assignment_plan.html", context)


def previewed(row: AssignmentPlan, at: datetime) -> assignment.Outcome:
    return assignment.preview(row, at=at, on=books.value_day(row.legal_entity, at))


@needs(permissions.PLAN_TEAM)
@require_http_methods(["GET", "POST"])
def rule_new(request: HttpRequest, public_id: str) -> HttpResponse:
    return rule_page(request, found(request, public_id), None)


@needs(permissions.PLAN_TEAM)
@require_http_methods(["GET", "POST"])
def rule(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
    row = found(request, public_id)
    return rule_page(request, row, rule_of(row, number))


def rule_page(request: HttpRequest, row: AssignmentPlan, rule: AssignmentRule | None) -> HttpResponse:
    """Add a rule to a draft, or change one."""
    assignment_plans.refuse_standing(row)
    initial: dict[str, Any] = {"version": row.version}
    if rule is not None:
        initial |= {name: getattr(rule, name) for name in assignment_plans.COPIED}
        initial["buckets"] = [str(bucket) for bucket in rule.buckets]
    products = Product.objects.filter(legal_entity=row.legal_entity, live=True).order_by("code")
    form = RuleForm(request.POST or None, entity=row.legal_entity, products=[(each.code, each.name) for each in products], initial=initial)
    if request.method == "POST" and form.is_valid():
        with form.refusals(), Once(person(request), form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                assignment_plans.put_rule(
                    row, rule=rule, values=form.values(), version=form.cleaned_data["version"], actor=person(request), at=now()
                )
                sent.result(reverse(PLAN, args=[row.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "collections/assignment_rule.html", {"plan": row, "rule": rule})


@needs(permissions.PLAN_TEAM)
@require_POST
def rule_shift(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
    """Move a rule up or down, or take it out."""
    row = found(request, public_id)
    rule = rule_of(row, number)
    if "drop" in request.POST:
        assignment_plans.drop_rule(rule, actor=person(request), at=now())
    else:
        assignment_plans.shift_rule(rule, up="up" in request.POST, actor=person(request), at=now())
    return htmx.go(request, reverse(PLAN, args=[row.public_id]))


@needs(permissions.PLAN_TEAM)
@require_POST
def plan_release(request: HttpRequest, public_id: str) -> HttpResponse:
    """Put a draft in force, as it was previewed, or give it up."""
    row = found(request, public_id)
    if "drop" in request.POST:
        assignment_plans.drop(row, actor=person(request), at=now())
        messages.success(request, _("The draft is dropped."))
    else:
        text = request.POST.get("version", "")
        assignment_plans.release(row, version=int(text) if text.isdecimal() else 0, actor=person(request), at=now())
        messages.success(request, _("Version %(number)s is in force: for new cases now, for all others tonight.") % {"number": row.number})
    return htmx.go(request, reverse("assignment"))


@needs(permissions.PLAN_TEAM)
@require_POST
def run_new(request: HttpRequest) -> HttpResponse:
    """Apply the rules now."""
    with Once(person(request), request.POST.get("form_key", ""), at=now()) as sent:
        if not sent.again:
            made = assignment_plans.order_run(entity_of(request), actor=person(request), at=now())
            sent.result(reverse("assignment-run", args=[made.public_id]))
    return htmx.go(request, sent.location)


@needs(permissions.PLAN_TEAM)
@require_GET
def run(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show one application of the rules; while it runs the page asks again by itself."""
    rows = AssignmentRun.objects.visible_to(request.user).select_related("plan", "job", "actor")
    row = get_object_or_404(rows, public_id=public_id)
    url = reverse("assignment-run", args=[row.public_id])
    running = row.job is not None and not row.job.is_over
    if htmx.wants_part(request):
        return htmx.part(request, "parts/_job.html", {"job": row.job, "poll_url": url}) if running else htmx.go(request, url)
    context = {
        "run": row,
        "lines": assignment_words.lines(assignment.Outcome.read(row.result), row.plan.rules.all()) if row.result else None,
        "poll_url": url if running else "",
    }
    return htmx.render(request, "collections/assignment_run.html", "collections/assignment_run.html", context)


# --- the roster ----------------------------------------------------------------------------------------------------
@needs(permissions.PLAN_TEAM)
@require_GET
def collectors(request: HttpRequest) -> HttpResponse:
    """Show who works cases: what they can, what they carry."""
    people = list(team.workers(person(request)).select_related("team", "role"))
    known = {row.user_id: row for row in Collector.objects.filter(user__in=people)}
    loads = roster.loads_of([each.pk for each in people])
    rows = [
        {
            "person": each,
            "row": known.get(each.pk),
            "load": loads.get(each.pk, 0),
            "languages": ", ".join(assignment_words.language(code) for code in known[each.pk].languages) if each.pk in known else "",
            "skills": ", ".join(str(Collector.Skill(code).label) for code in known[each.pk].skills) if each.pk in known else "",
        }
        for each in people
    ]
    return htmx.render(request, "collections/collectors.html", "collections/collectors.html", {"rows": rows})


@needs(permissions.PLAN_TEAM)
@require_http_methods(["GET", "POST"])
def collector(request: HttpRequest, public_id: str) -> HttpResponse:
    """Say what a person can and carries; whoever stands on the roster gets cases by rule."""
    who: User = get_object_or_404(team.workers(person(request)), public_id=public_id)
    row = Collector.objects.filter(user=who).first() or Collector(user=who)
    initial = {name: getattr(row, name) for name in workers.COLUMNS} | {"version": row.version if row.pk else None}
    initial["workdays"] = [str(day) for day in row.workdays]
    form = CollectorForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        with form.refusals(), Once(person(request), form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                workers.put(who, values=form.values(), version=form.cleaned_data["version"], actor=person(request), at=now())
                sent.result(reverse("collector-list"))
                messages.success(request, _("%(name)s is on the roster.") % {"name": who})
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "collections/collector_form.html", {"who": who})
