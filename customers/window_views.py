"""Pages of agreed hours, and of a number that proved to be somebody else's."""

from typing import Any

from django import forms
from django.contrib import messages as toasts
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from crm.lib import forms as house
from crm.lib import htmx
from crm.lib.permissions import needs
from customers import contact_windows, contacts, permissions
from customers.models import AgreedWindow, Customer
from customers.views import file_of
from governance.asked import Asked
from governance.idempotency import Once


class WindowForm(house.Form):
    """Hours of a person's own, with what shows that they were agreed."""

    kind = forms.ChoiceField(label=gettext_lazy("What was agreed"), choices=AgreedWindow.Kind.choices, widget=forms.RadioSelect)
    opens = forms.TimeField(label=gettext_lazy("from"), widget=forms.TimeInput(attrs={"type": "time"}))
    closes = forms.TimeField(label=gettext_lazy("until"), widget=forms.TimeInput(attrs={"type": "time"}))
    since = forms.DateField(label=gettext_lazy("First day"), widget=house.DateInput)
    until = forms.DateField(label=gettext_lazy("Last day"), required=False, widget=house.DateInput)
    source = forms.ChoiceField(label=gettext_lazy("How it was agreed"), choices=AgreedWindow.Source.choices)
    evidence = forms.CharField(
        label=gettext_lazy("Evidence"),
        required=False,  # the door says why it is needed
        max_length=contact_windows.LONGEST,
        help_text=gettext_lazy("Where the agreement can be heard or read."),
    )


@needs(permissions.STOP_CONTACT)
def window_new(request: Asked, public_id: str) -> HttpResponse:
    """Write down hours that were agreed with a customer, or that they asked to be left out."""
    user: Any = request.user
    customer = file_of(request, public_id)
    form = WindowForm(request.POST or None, initial={"since": localdate(), "kind": AgreedWindow.Kind.AGREED})
    if request.method == "POST" and form.is_valid():
        data = {name: form.cleaned_data[name] for name in ("kind", "opens", "closes", "since", "until", "source", "evidence")}
        with form.refusals(), Once(user, form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                contact_windows.agree(customer, actor=user, at=now(), **data)
                sent.result(reverse("customer", args=[public_id]))
                toasts.success(request, _("The hours are kept."))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "customers/window_form.html", {"customer": customer})


@needs(permissions.STOP_CONTACT)
@require_POST
def window_end(request: Asked, public_id: str) -> HttpResponse:
    user: Any = request.user
    window = AgreedWindow.objects.filter(public_id=public_id, ended_at__isnull=True, customer__in=Customer.objects.visible_to(user)).first()
    if window is None:
        raise Http404
    contact_windows.end(window, actor=user, at=now())
    toasts.success(request, _("The agreed hours ended."))
    return htmx.go(request, reverse("customer", args=[window.customer.public_id]))


@needs(permissions.STOP_CONTACT)
@require_POST
def number_reopen(request: Asked, public_id: str) -> HttpResponse:
    """Open the number on file again, once it proved to be the customer's."""
    user: Any = request.user
    contacts.lift_number(Customer.objects.get_for(user, public_id), actor=user, at=now())
    toasts.success(request, _("The number may be used again."))
    return htmx.go(request, reverse("customer", args=[public_id]))
