"""What the viewsets of credit share: who calls, when it happened, filters of lists, names of movements."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from crm.lib.api import DoorViewSet
from crm.lib.errors import Invalid, NotAllowed
from governance.permissions import SET_CLOCK


class ClockNotYours(NotAllowed):
    """Only a caller who may set the clock states the moment of an act."""

    code = "clock_not_yours"


def moment(request: Request, body: Mapping[str, Any]) -> datetime:
    """Return the moment of the act: the one stated, for a caller who may, else now.

    :raises ClockNotYours: if another caller states one
    """
    stated: datetime | None = body.get("at")
    if stated is None:
        return now()
    token = request.auth
    scoped = token is None or not hasattr(token, "allow_scopes") or token.allow_scopes(["clock:set"])
    if not request.user.has_perm(SET_CLOCK) or not scoped:
        sentence = _("You may not state the moment of an act: leave “at” out.")
        raise ClockNotYours(sentence, fields={"at": sentence})
    return stated


def unknown(field: str, sentence: Any) -> Invalid:
    return Invalid(sentence, fields={field: sentence})


FILTERS = {
    "status": OpenApiParameter("status", str, description="only rows of this status"),
    "customer": OpenApiParameter("customer", str, description="only rows of the customer with this public id"),
    "loan": OpenApiParameter("loan", str, description="only rows of the loan with this public id"),
}


class Filtered(DoorViewSet):
    """A viewset whose list takes exact filters; an unknown value finds nothing."""

    filters: Mapping[str, str] = {}

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.action == "list":
            for name, path in self.filters.items():
                if given := self.request.query_params.get(name, "").replace("\0", ""):
                    queryset = queryset.filter(**{path: given})
        return super().filter_queryset(queryset)


def key_of(request: Request) -> str:
    """Return the name of the movement: the caller's key, apart from every other caller's."""
    return f"api:{request.user.pk}:{request.headers['Idempotency-Key'].strip()}"
