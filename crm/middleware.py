"""Around every request: its id goes back to the caller, pages are closed by default, refusals become pages."""

from collections.abc import Callable
from typing import Any

from allauth.account.views import logout
from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now
from django_structlog.middlewares import RequestMiddleware

from crm import problems
from crm.lib.context import request_id
from crm.lib.errors import foreseen
from crm.lib.permissions import Forbidden, signed_out
from governance import access, probes, unreadable
from governance import preview as eyes

GetResponse = Callable[[HttpRequest], HttpResponse]


class RequestLog(RequestMiddleware):
    """Log each request by method and path: a query may hold what somebody searched for, a name or a mobile."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        # what follows is the key itself: a customer's to an offer or a counter-offer, a person's to an account, the first one's to the house
        path = next((f"{place}…" for place in ("/o/", "/c/", "/invitations/", "/begin/") if request.path.startswith(place)), request.path)
        return f"{request.method} {path}"


def request_id_header(get_response: GetResponse) -> GetResponse:
    """Answer with the id under which the logs know this request."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.request_id = request_id()  # type: ignore[attr-defined]
        response = get_response(request)
        response.headers.setdefault("X-Request-ID", request.request_id)  # type: ignore[attr-defined]
        return response

    return middleware


def reader(get_response: GetResponse) -> GetResponse:
    """Let every masked value of the answer be what the person who asks may see; asked late, since the API finds its caller late."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with access.reading(lambda: request.user):
            return get_response(request)

    return middleware


def in_vain(get_response: GetResponse) -> GetResponse:
    """Write down who asked for what is not theirs, in an address, a form, a body, a search or a choice of rows."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with probes.noted_at_the_end():
            return get_response(request)

    return middleware


class closed_by_default:  # noqa: N801  named like the functions it stands among
    """Send a visitor without a session to the sign-in page, unless the view is marked public."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if not getattr(view, "login_required", True):
            return None
        if request.user.is_authenticated:
            closed = access.outside_hours(request.user, at=now())
            return problems.refused(request, closed) if closed and view is not logout else None
        if request.path.startswith("/api/"):
            return None  # the API authenticates by token and answers with problem documents
        return signed_out(request)


SEARCH = "/search/"  # asks by POST, so that what is looked for stands in no address, and changes nothing


def what_cannot_be_read(get_response: GetResponse) -> GetResponse:
    """While a page or an answer is only read, a value that does not open is a marker in its place and not the end of the page."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD") and request.path != SEARCH:
            return get_response(request)
        with unreadable.shown(to_programs=request.path.startswith("/api/")):
            return get_response(request)

    return middleware


class readable:  # noqa: N801
    """Refuse an address or a form with a NUL in it: PostgreSQL's text holds none and would answer with an error."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        sent = [request.GET] if request.path.startswith("/api/") else [request.GET, request.POST]
        texts = [request.path, *(text for form in sent for name, values in form.lists() for text in (name, *values))]
        return problems.bad_request(request) if any("\0" in text for text in texts) else None


class preview:  # noqa: N801
    """Carry a read-only look through another person's eyes, and refuse what would change something meanwhile."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        eyes.carry(request)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        error = eyes.refusal(request)
        return problems.refused(request, error) if error is not None else None


class refusals:  # noqa: N801
    """Render a `DomainError` or a missing permission as the page or part the caller expects."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if refusal := foreseen(error):
            refusal.remember()
            return problems.refused(request, refusal)
        if isinstance(error, Forbidden):
            return problems.forbidden(request, error)
        return None
