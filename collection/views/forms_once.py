"""What most pages of matters and relief do with their forms: one sent once, and which button of several was pressed."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now
from django.utils.translation import gettext as _

from collection.views.work import person
from crm.lib import forms, htmx
from crm.lib.errors import Invalid
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


def pressed(request: HttpRequest, *names: str) -> str:
    """Return which of these buttons sent a form; a form that names none of them, or two, decides nothing.

    :raises Invalid: if so
    """
    found = [name for name in names if name in request.POST]
    if len(found) != 1:
        raise Invalid(_("The form does not say what to do: press one of its buttons."))
    return found[0]
