"""The desk: what one holds, ready to work, or what comes next and why; the queues it is taken from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from collection import permissions, queues
from collection.forms import CheckForm, ContactForm
from collection.lists import CASES
from collection.models import Case
from collection.views.work import person, status_of, work
from crm.lib import htmx
from crm.lib.permissions import needs
from governance import saved_views
from governance.models import SavedView

KEPT = "desk"  # in the session: from which queue, and narrowed by which view, one works


@dataclass(frozen=True)
class Chosen:
    """From which queue a person takes the next case, and which of their saved views of the cases narrows it."""

    where: str
    view: SavedView | None
    views: list[SavedView]
    within: Any

    @property
    def strands(self) -> tuple[str, ...]:
        return (self.where,) if self.where else queues.WHERE


def chosen(request: HttpRequest) -> Chosen:
    """Return what the person works from: as the address says, else as they said last."""
    kept = dict(request.session.get(KEPT, {}))
    if request.method == "GET" and {"queue", "view"} & set(request.GET):
        kept = {name: request.GET.get(name, "") for name in ("queue", "view")}
        request.session[KEPT] = kept
    views = saved_views.of_list(CASES.name, person(request))
    view = next((one for one in views if one.public_id == kept.get("view")), None)
    within = CASES.narrowed(QueryDict(view.query), request, localdate(now())) if view else None
    where = kept.get("queue", "")
    return Chosen(where if where in queues.WHERE else "", view, views, within)


@needs(permissions.CLAIM)
@require_GET
def desk(request: HttpRequest) -> HttpResponse:
    """Show what one holds, ready to work; or what comes next and why."""
    return desk_page(request, at=now())


def desk_page(
    request: HttpRequest,
    *,
    at: datetime,
    form: ContactForm | None = None,
    case: Case | None = None,
    problem: Any = None,
    check_form: CheckForm | None = None,
) -> HttpResponse:
    held = case or Case.objects.visible_to(request.user).held_by(request.user, at=at).for_list().order_by("-claimed_at").first()
    source = chosen(request)
    items = queues.upcoming(person(request), at=at, limit=queues.SHOWN, where=source.strands, within=source.within)
    context = {
        "items": [item for item in items if held is None or item.case.pk != held.pk][: queues.SHOWN],
        "source": source,
        "queues": queues.counts(person(request), at=at),
        "problem_message": problem,
    }
    if held is not None:
        context |= work(request, held, at=at, back="desk", form=form, check_form=check_form)
        context["reasons"] = queues.why(
            held,
            user=person(request),
            at=at,
            on=context["today"],
            loans=sum(debt.dpd > 0 for debt in context["debts"]),
            promised=context["running"],
        )
    elif not items:
        context["next_due"] = queues.next_due(person(request), at=at)
    return htmx.render(request, "collections/desk.html", "collections/desk.html", context, status=status_of(form or check_form, problem))


@needs(permissions.CLAIM)
@require_POST
def take_next(request: HttpRequest) -> HttpResponse:
    """Take the first case of the queue; another's faster hand only means the one after it."""
    source = chosen(request)
    if queues.take_next(person(request), at=now(), where=source.strands, within=source.within) is None:
        messages.info(request, _("Nothing waits for you now."))
    return htmx.go(request, reverse("desk"))
