"""The lists over HTTP: look a value up, ask that one be put on or taken off. Nothing counts before a second person has confirmed it."""

from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import localdate, now
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.lib.api import DoorViewSet, checked
from governance.asked import caller
from governance.idempotency import idempotent
from governance.models import ChangeRequest
from risk import list_changes, lists
from risk.models import ListEntry
from risk.permissions import MANAGE_LIST, VIEW_LIST

LONGEST_VALUE = 200


class ListEntryOut(serializers.ModelSerializer):
    """An entry: the value itself is kept nowhere, its mask is."""

    id = serializers.CharField(source="public_id")
    list = serializers.CharField(help_text="black, grey or watch")
    what = serializers.CharField(help_text="id_number, mobile, device, address or employer")
    reason = serializers.CharField(help_text="why it was put on the list")
    source = serializers.CharField()  # type: ignore[assignment]  # the base class has a field's own source by this name
    added_by = serializers.CharField(source="added_by.username")
    confirmed_by = serializers.CharField(source="confirmed_by.username", default=None, allow_null=True, help_text="the second person")

    class Meta:
        model = ListEntry
        fields = ("id", "list", "what", "masked", "reason", "source", "since", "until", "added_by", "confirmed_by", "added_at", "ended_at")


class ListSearchIn(serializers.Serializer):
    what = serializers.ChoiceField(choices=ListEntry.What.choices)
    value = serializers.CharField(max_length=LONGEST_VALUE)


class ListSearchOut(serializers.Serializer):
    """The lists a value stands on today, and every entry it ever had."""

    lists = serializers.ListField(child=serializers.CharField(), help_text="black, grey, watch")
    entries = ListEntryOut(many=True)


class ListEntryIn(ListSearchIn):
    list = serializers.ChoiceField(choices=ListEntry.List.choices)
    reason = serializers.CharField(max_length=lists.LONGEST)
    source = serializers.ChoiceField(choices=ListEntry.Source.choices)  # type: ignore[assignment]
    since = serializers.DateField(required=False, default=None, allow_null=True, help_text="default: today")
    until = serializers.DateField(required=False, default=None, allow_null=True)


class ListEndIn(serializers.Serializer):
    reason = serializers.CharField(max_length=lists.LONGEST)


class ListProposalOut(serializers.Serializer):
    """What was asked for, and whether a second person is waited for (open) or there was none (confirmed)."""

    change = serializers.CharField(source="public_id")
    status = serializers.CharField()
    due_at = serializers.DateTimeField()


class ListEntryViewSet(DoorViewSet):
    """The black, grey and watch lists."""

    serializer_class = ListEntryOut
    queryset = ListEntry.objects.none()
    needs = {"list": VIEW_LIST, "retrieve": VIEW_LIST, "search": VIEW_LIST, "create": MANAGE_LIST, "end": MANAGE_LIST}

    def get_queryset(self) -> QuerySet[ListEntry]:
        return ListEntry.objects.visible_to(self.request.user).for_list()

    @extend_schema(request=ListSearchIn, responses={200: ListSearchOut})
    @action(detail=False, methods=["post"])
    @idempotent()
    def search(self, request: Request) -> Response:
        """Look one value up; it is posted, so that it stands in no address and no log."""
        body = checked(ListSearchIn, request)
        today = localdate()
        found = list(lists.found_by(body["what"], body["value"], on=today))
        holding = {one.list for one in found if one.ended_at is None and one.since <= today and (one.until is None or one.until > today)}
        told: dict[str, Any] = {"lists": [name for name in ListEntry.List.values if name in holding], "entries": found}
        return Response(ListSearchOut(told).data)

    @extend_schema(request=ListEntryIn, responses={201: ListProposalOut})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Ask that a value be put on a list."""
        made = list_changes.propose(**checked(ListEntryIn, request), actor=caller(request), at=now())
        return _answer(made)

    @extend_schema(request=ListEndIn, responses={201: ListProposalOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def end(self, request: Request, public_id: str) -> Response:
        """Ask that an entry be taken off its list."""
        entry: Any = self.get_object()
        return _answer(list_changes.propose_end(entry, **checked(ListEndIn, request), actor=caller(request), at=now()))


def _answer(made: ChangeRequest) -> Response:
    return Response(ListProposalOut(made).data, status=201)


VIEWSETS = {"list-entries": ListEntryViewSet}
