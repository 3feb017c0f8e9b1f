"""The board of the pipeline, and one column of it."""

from django.http import HttpResponse
from django.utils.timezone import localdate, now
from django.views.decorators.http import require_GET

from credit import board
from credit.models import Application
from credit.permissions import VIEW_APPLICATION
from credit.views import Asked
from crm.lib import htmx
from crm.lib.permissions import needs


@needs(VIEW_APPLICATION)
@require_GET
def application_board(request: Asked) -> HttpResponse:
    """Show every stage; asked for one stage with `shown`, its column alone, with more cards."""
    at = now()
    rows = Application.objects.visible_to(request.user)
    mine = request.GET.get("whose") == "mine"
    if mine:
        rows = rows.filter(owner=request.user)
    stage = board.BY_KEY.get(request.GET.get("stage", ""))
    text = request.GET.get("shown", "")
    shown = min(int(text), board.MOST) if text.isascii() and text.isdecimal() and len(text) < 4 and int(text) else board.CARDS
    context = {"at": at, "mine": mine, "query": "whose=mine&" if mine else ""}
    if stage is not None and htmx.wants_part(request):
        column = board.read(rows, [stage], user=request.user, at=at, today=localdate(at), shown=shown)[0]
        return htmx.part(request, "credit/_board_column.html", context | {"column": column, "current": True})
    columns = board.read(rows, board.STAGES, user=request.user, at=at, today=localdate(at), shown=board.CARDS)
    if stage is not None and shown > board.CARDS:
        again = board.read(rows, [stage], user=request.user, at=at, today=localdate(at), shown=shown)[0]
        columns = [again if column.stage is stage else column for column in columns]
    # on a phone one column is shown: the one asked for, else the first with something in it
    full = [column for column in columns if column.count]
    current = stage or (full or columns)[0].stage
    context |= {"columns": columns, "current_key": current.key}
    return htmx.render(request, "credit/board.html", "credit/board.html", context)
