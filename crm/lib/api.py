"""The API is doors over HTTP: a `needs` table on every view, bodies checked before a door is called."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import Http404
from rest_framework import serializers, viewsets
from rest_framework.request import Request

from crm.lib.api_defaults import Cursor, Needs
from crm.lib.api_schema import PROBLEMS, Problem, Schema

__all__ = ["PROBLEMS", "Cursor", "DoorViewSet", "Moment", "Needs", "Problem", "Schema", "checked"]


class Moment(serializers.DateTimeField):
    """A moment of our time: one at the edge of the calendar has no counterpart in another zone."""

    def to_internal_value(self, value: Any) -> datetime:
        try:
            found = super().to_internal_value(value)
        except OverflowError:
            self.fail("overflow")
        if not 1900 <= found.year < 2200:
            self.fail("overflow")
        return found


class DoorViewSet(viewsets.ReadOnlyModelViewSet):
    """Reads by public id; each door is one `@action` or one of `create`, `update`."""

    lookup_field = "public_id"
    lookup_value_regex = r"[A-Z]{1,2}-[0-9A-Z]+"
    needs: Mapping[str, str] = {}

    def get_object(self) -> Any:
        """Return the row the address names; one that is there and not the caller's is noted, and 404 like any other."""
        try:
            return super().get_object()
        except Http404:
            rows = self.get_queryset()
            if hasattr(rows, "probed"):
                rows.probed(self.request.user, self.kwargs[self.lookup_field])
            raise


def checked(serializer_class: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    """Return the validated body of `request`.

    :raises serializers.ValidationError: with a sentence per wrong input
    """
    body = serializer_class(data=request.data, context={"request": request})
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)
