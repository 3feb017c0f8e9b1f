"""Pages of messages: the customer's panel, the outbox with what waits for a person, stops of contact."""

from typing import Any

import django_filters
from django import forms
from django.conf import settings
from django.contrib import messages as toasts
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from crm.lib import htmx, pages
from crm.lib.forms import Form
from crm.lib.permissions import needs
from customers import contact_windows, contacts, guarded, messages, permissions, profiles, templates
from customers.models import BarredNumber, ContactBar, ContactChannel, Customer, Message, MessageChannel, MessagePurpose
from customers.views import file_of
from customers.words import problem_of
from governance import access, masking, uses
from governance.asked import Asked
from governance.models import User
from ledger import log

SHOWN, QUEUE = 8, 4
ANY = gettext_lazy("Any")


def masked_address(message: Message) -> str:
    """Return where a message goes or went, as staff may see it."""
    customer = message.customer
    if message.channel == MessageChannel.APP:
        return customer.public_id
    if message.address is None:
        return customer.masked_email if message.channel == MessageChannel.EMAIL else customer.masked_mobile
    field, mask = ("email", masking.mask_email) if message.channel == MessageChannel.EMAIL else ("mobile", masking.mask_mobile)
    customer.may_be_read(field)  # it is the person's, only kept with the message
    return access.shown(guarded.of(field), lambda: mask(message.address or ""))


def shown(rows: list[Message], user: Any) -> list[Message]:
    """Give each row what the pages say of it, its person read for keeping the file."""
    for row in uses.bind_of(rows, "customer", profiles.READ_FOR, actor=user, at=now()):
        row.to = masked_address(row)  # type: ignore[attr-defined]
        row.label = templates.label(row.template.code)  # type: ignore[attr-defined]
        row.why = problem_of(row.problem)  # type: ignore[attr-defined]
    return rows


# --- the customer's panel ------------------------------------------------------------------------------------------
@needs(permissions.VIEW_MESSAGE)
def customer_panel(request: Asked, public_id: str) -> HttpResponse:
    """What was written to a customer, and by which ways they may be reached now."""
    user: Any = request.user
    customer, at = file_of(request, public_id), now()
    rows = list(Message.objects.filter(customer=customer).for_list().order_by("-pk")[: SHOWN + 1])
    bars = list(ContactBar.objects.filter(customer=customer, lifted_at__isnull=True).order_by("channel"))
    context = {
        "customer": customer,
        "rows": shown(rows[:SHOWN], user),
        "more": len(rows) > SHOWN,
        "bars": bars,
        "wrong_number": BarredNumber.objects.filter(number_key=customer.mobile_key or "", lifted_at__isnull=True).exists(),
        "windows": contact_windows.standing(customer),
        "hold": contacts.holds_of([customer.pk]).get(customer.pk),
        "ways": [] if customer.erased_at or (bars and len(bars) == len(ContactChannel)) else ways_now(customer, at),
    }
    return htmx.part(request, "customers/_messages_panel.html", context)


def ways_now(customer: Customer, at: Any) -> list[dict[str, Any]]:
    """Return for telephone, SMS and mail whether they may be used now; refusals first."""
    channels = ["call", "sms", "email"] if customer.email else ["call", "sms"]
    answers = contacts.may_contact_by(customer, channels, at)
    found = [
        {"label": contacts.words(channel), "allowed": answer.allowed, "reason": answer.reason}
        for channel, answer in answers.items()
        if answer.rule != "contact.stop"  # a stop stands in its own line
    ]
    return sorted(found, key=lambda way: way["allowed"])


class StopForm(Form):
    channel = forms.ChoiceField(label=gettext_lazy("Way of contact"), choices=ContactChannel.choices)
    reason = forms.ChoiceField(label=gettext_lazy("Reason"), choices=ContactBar.Reason.choices, widget=forms.RadioSelect)


@needs(permissions.STOP_CONTACT)
def contact_stop(request: Asked, public_id: str) -> HttpResponse:
    """Stop one way of contact."""
    user: Any = request.user
    customer = file_of(request, public_id)
    form = StopForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.refusals():
            contacts.bar(customer, channel=form.cleaned_data["channel"], reason=form.cleaned_data["reason"], actor=user, at=now())
        if not form.errors:
            toasts.success(request, _("This way of contact is stopped."))
            return htmx.go(request, reverse("customer", args=[public_id]))
    return form.page(request, "customers/contact_stop.html", {"customer": customer}, part="customers/_contact_stop.html")


@needs(permissions.STOP_CONTACT)
@require_POST
def contact_reopen(request: Asked, public_id: str, channel: str) -> HttpResponse:
    user: Any = request.user
    customer = Customer.objects.get_for(user, public_id)
    found = ContactBar.objects.filter(customer=customer, channel=channel, lifted_at__isnull=True).first()
    if found is None:
        raise Http404
    contacts.lift(found, actor=user, at=now())
    toasts.success(request, _("This way of contact is open again."))
    return htmx.go(request, reverse("customer", args=[public_id]))


# --- the outbox ----------------------------------------------------------------------------------------------------
class MessageFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Message.Status.choices, label=gettext_lazy("Status"), empty_label=ANY)
    channel = django_filters.ChoiceFilter(choices=MessageChannel.choices, label=gettext_lazy("Channel"), empty_label=ANY)
    purpose = django_filters.ChoiceFilter(choices=MessagePurpose.choices, label=gettext_lazy("Purpose"), empty_label=ANY)
    words = django_filters.CharFilter(field_name="template__public_id", label=gettext_lazy("Version of the words"))
    since = django_filters.DateFilter(field_name="planned_at", lookup_expr="date__gte", label=gettext_lazy("Planned since"))
    customer = django_filters.CharFilter(field_name="customer__public_id", label=gettext_lazy("Customer's number"))


TABS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "": (gettext_lazy("All"), ()),
    "stuck": (gettext_lazy("Waits for a person"), Message.STUCK),
    "open": (gettext_lazy("To be sent"), (*Message.OPEN, Message.Status.SENDING)),
}


def of_tab(rows: QuerySet[Message], tab: str) -> QuerySet[Message]:
    statuses = TABS.get(tab, TABS[""])[1]
    return rows.filter(status__in=statuses) if statuses else rows


@needs(permissions.VIEW_MESSAGE)
def message_list(request: Asked) -> HttpResponse:
    user: Any = request.user
    tab = request.GET.get("show", "")
    rows = of_tab(Message.objects.visible_to(user).for_list(), tab)
    page = pages.read(request, rows, sorts={"message": "id"}, default_sort="-message", filters=MessageFilter)
    shown(page.rows, user)
    tabs = [{"label": label, "url": f"?show={name}" if name else "?", "current": tab == name} for name, (label, _statuses) in TABS.items()]
    context = {"page": page, "tabs": tabs, "manages": user.has_perm(permissions.MANAGE_MESSAGE), "sandbox": settings.SANDBOX_URL}
    return htmx.render(request, "customers/message_list.html", "customers/_message_rows.html", context)


def one(user: Any, public_id: str) -> Message:
    found = Message.objects.get_for(user, public_id)
    return Message.objects.select_related("customer__legal_entity", "template").get(pk=found.pk)


@needs(permissions.VIEW_MESSAGE)
def message(request: Asked, public_id: str) -> HttpResponse:
    """One message: what it says or said, and its way."""
    user: Any = request.user
    (found,) = shown([one(user, public_id)], user)
    entries = list(log.history(found)[:20])
    names = dict(User.objects.filter(pk__in={entry.actor_id for entry in entries}).values_list("pk", "name"))
    steps = [
        {
            "text": STEPS.get(entry.event.rpartition(".")[2], entry.event),
            "why": problem_of(str(entry.facts.get("problem", "") or entry.facts.get("reason", ""))),
            "at": entry.at,
            "actor": names.get(entry.actor_id or 0, ""),
        }
        for entry in entries
    ]
    secret = messages.is_secret(found.template)
    context = {
        "message": found,
        "steps": steps,
        "secret": secret,
        "text": "" if secret else found.text,
        "subject": "" if secret else found.subject,
        "stuck": found.status in Message.STUCK,
        "can_again": found.status in Message.STUCK and not secret,
        "manages": user.has_perm(permissions.MANAGE_MESSAGE),
        "others": Message.objects.filter(Q(instead_of=found) | Q(pk=found.instead_of_id) | Q(instead_of=found.instead_of_id or 0)).exclude(
            pk=found.pk
        ),
    }
    return htmx.render(request, "customers/message.html", "customers/message.html", context)


STEPS = {
    "planned": gettext_lazy("Planned"),
    "waiting": gettext_lazy("Waits"),
    "sent": gettext_lazy("Taken by the gateway"),
    "delivered": gettext_lazy("Delivered"),
    "failed": gettext_lazy("Failed"),
    "parked": gettext_lazy("Parked for a person"),
    "cancelled": gettext_lazy("Cancelled"),
    "sent_again": gettext_lazy("Sent again by a person"),
    "other_way": gettext_lazy("Goes by another way"),
}


@needs(permissions.MANAGE_MESSAGE)
@require_POST
def message_again(request: Asked, public_id: str) -> HttpResponse:
    messages.send_again(one(request.user, public_id), actor=request.user, at=now())
    toasts.success(request, _("The message is sent again."))
    return htmx.go(request, reverse("message", args=[public_id]))


@needs(permissions.MANAGE_MESSAGE)
@require_POST
def message_give_up(request: Asked, public_id: str) -> HttpResponse:
    messages.cancel(one(request.user, public_id), reason="given_up", actor=request.user, at=now())
    toasts.success(request, _("The message is given up."))
    return htmx.go(request, reverse("message", args=[public_id]))


# --- home ----------------------------------------------------------------------------------------------------------
def stuck(user: Any, at: Any) -> dict[str, Any]:
    """The figure of messages that wait for a person."""
    label = pages.count_label(Message.objects.visible_to(user).stuck())
    return {"figure": label, "url": f"{reverse('message-list')}?show=stuck", "tone": "warn" if label != "0" else ""}


def waiting(user: Any, at: Any) -> list[dict[str, Any]]:
    """The newest messages that wait for a person, with what went wrong."""
    rows = list(Message.objects.visible_to(user).stuck().for_list().order_by("-pk")[:QUEUE])
    return [
        {
            "who": f"{row.customer.masked_name} · {templates.label(row.template.code)}",
            "url": reverse("message", args=[row.public_id]),
            "why": [str(row.get_channel_display()), str(problem_of(row.problem))],
            "badge_tone": "bad" if row.status == Message.Status.FAILED else "caution",
            "badge_label": row.get_status_display(),
            "action_label": _("Open"),
        }
        for row in uses.bind_of(rows, "customer", profiles.READ_FOR, actor=user, at=at)
    ]
