"""The published figures, computed anew at every request on the functions that count the loans."""

from time import perf_counter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now
from django.views.decorators.http import require_GET

from credit import published
from credit.permissions import RUN_SELF_TEST
from crm.lib import htmx
from crm.lib.permissions import needs


@needs(RUN_SELF_TEST)
@require_GET
def self_test(request: HttpRequest) -> HttpResponse:
    """Show each figure with its source, what is expected and what comes out now."""
    began = perf_counter()
    results = published.run()
    groups: dict[str, list[Any]] = {}
    for result in results:
        groups.setdefault(str(result.figure.group), []).append(result)
    context = {
        "groups": groups.items(),
        "number": len(results),
        "failed": sum(not result.passed for result in results),
        "milliseconds": int((perf_counter() - began) * 1000),
        "at": now(),
    }
    return htmx.render(request, "credit/self_test.html", "credit/self_test.html", context)
