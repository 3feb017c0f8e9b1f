"""The frame around every page: who is signed in, which day the books are in, language and theme."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import localdate, now
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from crm import beginning
from crm.lib import menu
from crm.lib.permissions import public, signed_in
from customers.models import Customer
from governance import notices, users
from governance.models import BreakGlass, LegalEntity

THEMES = ("system", "light", "dark")
YEAR = 365 * 86_400
TAGS = {"zh-hans": "zh-Hans", "zh-hant": "zh-Hant"}


@dataclass
class Shell:
    """What `base.html` shows; every part is read only when the page asks for it."""

    request: HttpRequest
    version: str = settings.VERSION
    environment: str = settings.CRM_ENV
    themes: tuple[str, ...] = field(default=THEMES)

    @property
    def user(self) -> Any:
        return self.request.user

    @cached_property
    def theme(self) -> str:
        wish = self.request.COOKIES.get("theme", "system")
        return wish if wish in THEMES else "system"

    @property
    def folded(self) -> bool:
        return self.request.COOKIES.get("side") == "folded"

    @property
    def lang(self) -> str:
        """The language as HTML names it."""
        code = translation.get_language() or settings.LANGUAGE_CODE
        return TAGS.get(code, code)

    @cached_property
    def groups(self) -> list[menu.Group]:
        return menu.visible(self.user, self.request.path)

    @cached_property
    def lines(self) -> list[menu.Line]:
        return [line for group in self.groups for line in group.lines]

    @property
    def thumb(self) -> list[menu.Line]:
        """The entries of the phone's bottom bar."""
        return self.lines[:4]

    @property
    def folded_away(self) -> list[menu.Line]:
        return self.lines[4:]

    @cached_property
    def entity(self) -> LegalEntity | None:
        team = getattr(self.user, "team", None)
        return team.legal_entity if team else LegalEntity.objects.order_by("pk").first()

    @property
    def days_behind(self) -> int:
        """How many days the books are behind the calendar."""
        return max(0, (localdate(now()) - self.entity.business_date).days) if self.entity else 0

    @property
    def problem_page(self) -> str:
        """Who is signed in meets a refusal inside the frame; a visitor has no menu to show."""
        user = getattr(self.request, "user", None)
        return "problem_inside.html" if user is not None and user.is_authenticated else "problem.html"

    @property
    def role(self) -> Any:
        return getattr(self.user, "role", None) or ""

    @cached_property
    def unread(self) -> str:
        """The bell's figure, empty when nothing is new."""
        return notices.unread_label(self.user) if self.user.is_authenticated else ""

    @property
    def glass(self) -> list[BreakGlass]:
        """The records that emergency access opens to this person now."""
        return list(BreakGlass.objects.filter(public_id__in=self.user.glass.values())) if self.user.glass else []

    @property
    def demo(self) -> bool:
        """Whether customers of the demonstration are among the real ones; asked of the database once a minute."""
        held = cache.get_or_set("shell.demo", lambda: Customer.objects.exclude(origin="").exists(), 60)
        return bool(held)

    @property
    def nobody_is_in(self) -> bool:
        """Whether there is no account at all; asked by the sign-in page."""
        return beginning.nobody_is_in()

    @property
    def words(self) -> dict[str, str]:
        """Sentences the browser says itself."""
        return {
            "money_unread": gettext("Write an amount such as 12,000 or 12000.50."),
            "money_cents": gettext("An amount has at most two decimals."),
            "money_heard": gettext("Understood as {amount}"),
            "failed": gettext("This part could not be loaded. Try again, or report number {number}."),
            "offline": gettext("The connection is lost. What you typed is kept; try again when it is back."),
            "working": gettext("Still working"),
            "back_again": gettext("You are signed in again. What you typed is still here: send it now."),
            "left_minutes": gettext("{n} min left"),
            "left_hours": gettext("{n} h left"),
            "left_days": gettext("{n} d left"),
            "late_minutes": gettext("{n} min late"),
            "late_hours": gettext("{n} h late"),
            "late_days": gettext("{n} d late"),
        }


def context(request: HttpRequest) -> dict[str, Any]:
    """Template context: `shell`."""
    return {"shell": Shell(request)}


def back(request: HttpRequest) -> HttpResponse:
    """Return to the page the person came from, never to another site."""
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return redirect(target if safe else "/")


def keep(response: HttpResponse, name: str, value: str) -> HttpResponse:
    """Set a preference cookie; it holds no secret and scripts of the page read none."""
    response.set_cookie(name, value, max_age=YEAR, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)
    return response


@public("the sign-in page speaks both languages")
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Keep the chosen language in a cookie, and with the person once signed in."""
    code = request.POST.get("language", "")
    if code not in dict(settings.LANGUAGES):
        return back(request)
    if request.user.is_authenticated and request.user.language != code:
        users.change(request.user, actor=request.user, at=now(), version=request.user.version, language=code)
    return keep(back(request), settings.LANGUAGE_COOKIE_NAME, code)


@public("the sign-in page has both themes")
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme; pages with scripts do the same without asking."""
    wish = request.POST.get("theme", "")
    return keep(back(request), "theme", wish) if wish in THEMES else back(request)


@public("a page asks whether its session still lives")
@never_cache
@require_GET
def session(request: HttpRequest) -> HttpResponse:
    """Say who is signed in, and hand out the token of their forms: a sign-in in another tab made a new one."""
    who = request.user.public_id if request.user.is_authenticated else ""
    return JsonResponse({"who": who, "token": get_token(request)})


@signed_in
@require_GET
def session_back(request: HttpRequest) -> HttpResponse:
    """End a sign-in that was made in a tab of its own, beside a page that waits with what was typed."""
    return render(request, "account/signed_in_again.html")
