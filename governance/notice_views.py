"""The bell: one's own notices, opened one by one or marked as read together."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from crm.lib import htmx, pages
from crm.lib.permissions import signed_in
from governance import notices
from governance.asked import Asked
from governance.forms import NoticeFilter
from governance.models import Notice


@signed_in
@require_GET
def notice_list(request: Asked) -> HttpResponse:
    rows = Notice.objects.filter(user=request.user).select_related("actor")
    page = pages.read(request, rows, sorts={"when": "id"}, default_sort="-when", filters=NoticeFilter)
    context = {"page": page, "rows": notices.shown(page.rows), "unread": notices.unread_label(request.user)}
    return htmx.render(request, "governance/notice_list.html", "governance/_notice_rows.html", context)


@signed_in
@require_GET
def notice(request: Asked, public_id: str) -> HttpResponse:
    """Mark a notice as read and go where it leads; asked for twice it does the same."""
    found = None if "\0" in public_id else Notice.objects.filter(user=request.user, public_id=public_id).first()
    if found is None or not url_has_allowed_host_and_scheme(found.url, None):
        raise Http404
    notices.mark_read(request.user, notice=found, at=now())
    return redirect(found.url)


@signed_in
@require_POST
def notices_read(request: Asked) -> HttpResponse:
    notices.mark_read(request.user, at=now())
    messages.success(request, _("All notices are marked as read."))
    return htmx.go(request, reverse("notice-list"))
