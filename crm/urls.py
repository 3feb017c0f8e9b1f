"""Every URL of the house. Each view names its permission, or says why it is public; a test demands it."""

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path

from crm import beginning, home, search, shell
from crm.lib.permissions import public


@public("asked by supervisors and load balancers")
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer whether this process and its database work: 503 while the database is away."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (InterfaceError, OperationalError):
        connection.close()
        return JsonResponse({"status": "the database does not answer"}, status=503)
    return JsonResponse({"status": "ok", "version": settings.VERSION})


urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("", home.page, name="home"),
    path("search/", search.find, name="search"),
    path("language/", shell.set_language, name="set-language"),
    path("theme/", shell.set_theme, name="set-theme"),
    path("session/", shell.session, name="session"),
    path("session/back/", shell.session_back, name="session-back"),
    path("begin/<str:token>/", beginning.page, name="begin"),
    path("", include("governance.account_urls")),
    path("api/", include("crm.api")),
    path("", include("ledger.urls")),
    path("", include("governance.urls")),
    path("", include("customers.urls")),
    path("", include("customers.reply_urls")),
    path("", include("risk.urls")),
    path("", include("credit.urls")),
    path("", include("collection.urls")),
]
if settings.CRM_ENV in ("local", "test"):
    urlpatterns.append(path("ui/", include("crm.ui")))

handler400 = "crm.problems.bad_request"
handler403 = "crm.problems.permission_denied"
handler404 = "crm.problems.not_found"
handler500 = "crm.problems.server_error"
