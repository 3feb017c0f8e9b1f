"""Pages of answers: the list of what is to be read, one answer, taking it off the list."""

import re
from typing import Any

import django_filters
from django.contrib import messages as toasts
from django.http import HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_GET, require_POST

from crm.lib import htmx, pages
from crm.lib.permissions import needs
from customers import guarded, permissions, profiles, replies, templates
from customers.models import MessageChannel, Reply
from governance import access, masking, uses
from governance.asked import Asked

NUMBERS = re.compile(r"\d[\d -]{4,}\d")  # what may be a number of a card, a telephone, an id
QUEUE = 4
TABS: dict[str, Any] = {"": gettext_lazy("To be read"), "all": gettext_lazy("All")}


class ReplyFilter(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(
        choices=Reply.Kind.choices, label=pgettext_lazy("reply", "What it says"), empty_label=gettext_lazy("Any")
    )
    channel = django_filters.ChoiceFilter(choices=MessageChannel.choices, label=gettext_lazy("Channel"), empty_label=gettext_lazy("Any"))


def shown(rows: list[Reply], user: Any) -> list[Reply]:
    """Give each row what the pages say of it: its words without long numbers, and where it came from, masked."""
    uses.bind_of([row for row in rows if row.customer_id], "customer", profiles.READ_FOR, actor=user, at=now())
    for row in rows:
        row.said = NUMBERS.sub("••••", row.text or "")  # type: ignore[attr-defined]
        row.says = _("Other") if row.kind == Reply.Kind.OTHER else row.get_kind_display()  # type: ignore[attr-defined]
        row.sender = masked_sender(row)  # type: ignore[attr-defined]
        row.label = templates.label(row.message.template.code) if row.message else ""  # type: ignore[attr-defined]
    return rows


def masked_sender(row: Reply) -> str:
    """Return where an answer came from, as staff may see it."""
    if row.channel == MessageChannel.APP:
        return row.address or ""  # the file's public id
    field, mask = ("email", masking.mask_email) if row.channel == MessageChannel.EMAIL else ("mobile", masking.mask_mobile)
    if row.customer is not None:
        row.customer.may_be_read(field)  # it is the person's, only kept with the answer
    return access.shown(guarded.of(field), lambda: mask(row.address or ""))


@needs(permissions.VIEW_MESSAGE)
@require_GET
def reply_list(request: Asked) -> HttpResponse:
    """What customers answered, what nobody has read first."""
    user: Any = request.user
    tab = request.GET.get("show", "")
    rows = Reply.objects.visible_to(user).for_list()
    rows = rows if tab == "all" else rows.open()
    page = pages.read(request, rows, sorts={"heard": "id"}, default_sort="-heard", filters=ReplyFilter)
    shown(page.rows, user)
    tabs = [
        {"label": label, "url": f"?show={name}" if name else "?", "current": (tab == "all") == (name == "all")}
        for name, label in TABS.items()
    ]
    context = {"page": page, "tabs": tabs, "answers": user.has_perm(permissions.ANSWER_REPLY)}
    return htmx.render(request, "customers/reply_list.html", "customers/_reply_rows.html", context)


def found(user: Any, public_id: str) -> Reply:
    row = Reply.objects.get_for(user, public_id)
    return Reply.objects.for_list().get(pk=row.pk)


@needs(permissions.VIEW_MESSAGE)
@require_GET
def reply(request: Asked, public_id: str) -> HttpResponse:
    """One answer: its words, what it answers, what became of it."""
    (row,) = shown([found(request.user, public_id)], request.user)
    context = {"reply": row, "may_close": row.status == Reply.Status.OPEN and request.user.has_perm(permissions.ANSWER_REPLY)}
    return htmx.render(request, "customers/reply.html", "customers/reply.html", context)


@needs(permissions.ANSWER_REPLY)
@require_POST
def reply_read(request: Asked, public_id: str) -> HttpResponse:
    replies.read(found(request.user, public_id), actor=request.user, at=now())
    toasts.success(request, _("The answer is off the list."))
    return htmx.go(request, reverse("reply-list"))


# --- home ----------------------------------------------------------------------------------------------------------
def unread(user: Any, at: Any) -> dict[str, Any]:
    """The figure of answers nobody has read."""
    label = pages.count_label(Reply.objects.visible_to(user).open())
    return {"figure": label, "url": reverse("reply-list"), "tone": "warn" if label != "0" else ""}
