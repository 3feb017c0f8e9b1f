"""The proof of encryption and the files that left, for who controls: read-only but for ordering a search anew."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from crm.lib import htmx, pages
from crm.lib.permissions import needs
from governance import papers_taken, permissions, proof_runs, table_files
from governance.asked import Asked
from governance.models import Export, Job

PLACES = {
    "database": _("Database, each row as text and as bytes"),
    "sessions": _("Sessions"),
    "valkey": _("Cache and queued tasks"),
    "write-ahead log": _("Write-ahead log"),
    "logs": _("Log files"),
    "files": _("Stored files"),
}
SHOWN = 20


@needs(permissions.PROVE)
@require_GET
def page(request: Asked) -> HttpResponse:
    """Show the last search, where it looked and what it could not read, and the ones before."""
    found = proof_runs.last()
    context: dict[str, Any] = {
        "last": found,
        "running": proof_runs.running(at=now()),
        "places": places(found) if found else [],
        "runs": list(proof_runs.runs().filter(finished_at__isnull=False)[:SHOWN]),
        "may_follow": request.user.has_perm(permissions.VIEW_JOB),
    }
    return htmx.render(request, "governance/proof.html", "governance/proof.html", context)


def places(run: Job) -> list[dict[str, Any]]:
    """Return where a search looked, with megabytes."""
    searched = run.result.get("searched", {})
    return [{"label": label, "megabytes": megabytes(searched[place])} for place, label in PLACES.items() if place in searched]


def megabytes(count: int) -> str:
    """Return bytes in megabytes; little is not nothing."""
    return "< 0.1" if 0 < count < 50_000 else f"{count / 1_000_000:,.1f}"


@needs(permissions.PROVE)
@require_POST
def begin(request: Asked) -> HttpResponse:
    """Order a search."""
    proof_runs.begin(actor=request.user, at=now())
    messages.success(request, _("The search has begun. Its result stands here when it ends."))
    return htmx.go(request, reverse("proof"))


@needs(permissions.VIEW_EXPORT)
@require_GET
def export_list(request: Asked) -> HttpResponse:
    """Show which lists and papers left as files: who, what for, how many rows, how often fetched."""
    rows = Export.objects.defer("content").select_related("actor")
    found = pages.read(request, rows, sorts={"asked": "id", "rows": "rows"}, default_sort="-asked")
    for row in found.rows:
        row.title, row.what_for = getattr(table_files.source(row.list), "title", row.list), row.get_purpose_display()
        papers_taken.named(row)
    return htmx.render(request, "governance/export_list.html", "governance/_export_rows.html", {"page": found})
