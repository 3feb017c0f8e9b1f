"""An installation nobody is in: a link from its own console lets whoever started it name the lender and become the first administrator."""

import re
from datetime import datetime

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from crm import lenders
from crm.lib import htmx
from crm.lib.errors import DomainError
from crm.lib.forms import Form
from crm.lib.permissions import public
from governance import users
from governance.invitation_views import PasswordForm
from governance.models import LegalEntity, Role, Team, User

SALT = "crm.beginning"
VALID = 24 * 3600  # seconds
FIRST_ROLE = "admin"


class BegunAlready(DomainError):
    """There are people in this installation: they invite the others."""

    code = "begun_already"
    status = 409


def nobody_is_in() -> bool:
    return not User.objects.filter(kind=User.Kind.STAFF).exists()


def key() -> str:
    """Return the key of the page, made from the installation's secret; it holds for a day and as long as nobody is in."""
    return signing.dumps("begin", salt=SALT)


def holds(text: str) -> bool:
    try:
        return bool(signing.loads(text, salt=SALT, max_age=VALID) == "begin") and nobody_is_in()
    except signing.BadSignature:
        return False


def code_of(name: str) -> str:
    """Return a short code from a lender's name: `Xinyuan Consumer Finance` → `XINYUAN`."""
    words = re.findall(r"[A-Z0-9]+", name.upper())
    return (words[0] if words else "LENDER")[:20]


class LenderForm(Form):
    """Who lends."""

    name_en = forms.CharField(label=gettext_lazy("Name of the lender in English"), max_length=120)
    name_zh = forms.CharField(label=gettext_lazy("Name of the lender in Chinese"), max_length=120)


class FirstForm(PasswordForm):
    """Who begins: the first administrator."""

    name = forms.CharField(label=gettext_lazy("Your name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    username = forms.RegexField(
        r"^[\w.@+-]+$", label=gettext_lazy("User name"), max_length=60, widget=forms.TextInput(attrs={"autocomplete": "username"}),
        help_text=gettext_lazy("You sign in with it: letters and digits, such as anna.wang."),
    )  # fmt: skip

    field_order = ("name_en", "name_zh", "name", "username", "password", "again")


class WholeForm(FirstForm, LenderForm):
    """Both, where not even the lender is there."""


@transaction.atomic
def begin(*, name: str, username: str, password: str, at: datetime, name_en: str = "", name_zh: str = "", language: str = "") -> User:
    """Create the lender, if there is none, and the first administrator at its head office.

    :raises BegunAlready: if somebody is in already; of two at once, one gets through
    :raises Invalid: if the password is too weak
    """
    User.objects.select_for_update().get(pk=users.system().pk)
    if not nobody_is_in():
        raise BegunAlready(_("This installation has people already. Ask an administrator for an invitation."))
    entity = LegalEntity.objects.order_by("pk").first()
    office = (
        Team.objects.get(legal_entity=entity, parent__isnull=True)
        if entity
        else lenders.found(code_of(name_en), name_en=name_en, name_zh=name_zh, zone=settings.TIME_ZONE, business_date=localdate(at), at=at)
    )
    return users.create(
        username=username, name=name, role=Role.objects.get(code=FIRST_ROLE), team=office, password=password, actor=users.system(), at=at,
        language=language,
    )  # fmt: skip


@public("the key is in the link that the installation's own console prints, and only while nobody is in")
def page(request: HttpRequest, token: str) -> HttpResponse:
    """Ask who lends and who begins."""
    if not holds(token):
        over = _("This link does not hold any more: there are people in this installation, or its day is over.")
        return htmx.render(request, "home/begin.html", "home/begin.html", {"over": over}, status=404)
    made: type[Form] = FirstForm if LegalEntity.objects.exists() else WholeForm
    form = made(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = {name: value for name, value in form.cleaned_data.items() if name not in ("form_key", "again")}
        with form.refusals():
            begin(**given, language=get_language() or "", at=now())
        if not form.errors:
            messages.success(request, _("Your account stands. Sign in; your home page says what comes next."))
            return htmx.go(request, reverse("account_login"))
    response = form.page(request, "home/begin.html", {})
    response.headers["Referrer-Policy"] = "same-origin"  # the address is the key; stricter, and the form loses its origin and is refused
    return response


def link(base: str) -> str:
    """Return the address to begin at, empty where somebody is in already."""
    return base.rstrip("/") + reverse("begin", args=[key()]) if nobody_is_in() else ""
