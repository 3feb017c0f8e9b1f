"""One form sent once: what most pages of matters and relief do with theirs."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now

from collection.views.work import person
from crm.lib import forms, htmx
from governance.idempotency import Once


def done(request: HttpRequest, form: forms.Form, act: Callable[..., tuple[str, str]]) -> HttpResponse | None:
    """Do what a form that was sent asks for, once, and lead on; None where the form is to be shown, empty or with what is wrong at its fields.

    :param act: takes the form's values by name, calls one door, returns where to go on and what to say
    """
    if request.method != "POST" or not form.is_valid():
        return None
    values = {name: value for name, value in form.cleaned_data.items() if name != "form_key"}
    with form.refusals(), Once(person(request), form.cleaned_data["form_key"], at=now()) as sent:
        if not sent.again:
            address, said = act(**values)
            sent.result(address)
            messages.success(request, said)
    return None if form.errors else htmx.go(request, sent.location)
