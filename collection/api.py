"""Cases over HTTP: read them, claim one, log a contact, give it back."""

from typing import Any

from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from collection import (
    capacity_api,
    case_states,
    cases,
    checks,
    contacts,
    dry_run_api,
    gate,
    legal_api,
    links,
    matter_api,
    permissions,
    placement_api,
    promises,
    quality_api,
    relief_api,
    results_api,
    script_panel,
    scripts,
    trace_api,
    visit_api,
)
from collection.contacts import LONGEST_NOTE
from collection.models import CallScript, Case, CaseDebt, Channel, Contact, Outcome, Promise, PromisePart, RightPartyCheck
from collection.obligor_api import TO_WHOM, ObligorOut
from collection.part_api import NEXT, named, parts_of
from crm.lib.api import DoorViewSet, checked
from customers.models import Party
from governance.asked import caller
from governance.idempotency import idempotent
from governance.models import User


class DebtOut(serializers.ModelSerializer):
    loan = serializers.CharField(source="loan.public_id")
    bucket = serializers.CharField(source="bucket_label")
    treatment_dpd = serializers.IntegerField(source="loan.treatment_dpd", help_text="days that treatment counts: less grace and pauses")
    delinquency_range = serializers.CharField(source="loan.delinquency_range", help_text="the span of those days, as the product names it")

    class Meta:
        model = CaseDebt
        fields = ("loan", "overdue_amount", "dpd", "bucket", "treatment_dpd", "delinquency_range")


class CaseOut(serializers.ModelSerializer):
    """A case with its debts; people by their public id."""

    id = serializers.CharField(source="public_id")
    customer = serializers.CharField(source="customer.public_id")
    bucket = serializers.CharField(source="bucket_label")
    assigned_to = serializers.CharField(source="assigned_to.public_id", default=None, allow_null=True)
    claimed_by = serializers.CharField(source="claimed_by.public_id", default=None, allow_null=True)
    debts = DebtOut(many=True)

    class Meta:
        model = Case
        fields = (
            "id", "customer", "status", "close_reason", "bucket", "dpd", "overdue_amount", "assigned_to", "claimed_by",
            "claimed_until", "next_action", "next_action_on", "last_contact_at", "last_outcome", "opened_on", "closed_on", "debts",
        )  # fmt: skip


class PartIn(serializers.Serializer):
    due_on = serializers.DateField()
    amount = serializers.DecimalField(max_digits=14, decimal_places=2)


class ContactIn(serializers.Serializer):
    channel = serializers.ChoiceField(choices=Channel.choices)
    outcome = serializers.ChoiceField(
        choices=Outcome.choices, help_text="a talk with the debtor or an obligor needs the check and the lines of `script`"
    )
    promise = PartIn(many=True, required=False, default=list, help_text="with the outcome `promise`")
    next_action = serializers.ChoiceField(choices=NEXT)
    next_action_on = serializers.DateField()
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=LONGEST_NOTE)
    obligor = serializers.CharField(**TO_WHOM)


class ContactOut(serializers.ModelSerializer):
    """A logged contact. The note stays inside: it is for the people who work the case."""

    id = serializers.CharField(source="public_id")
    case = serializers.CharField(source="case.public_id")
    actor = serializers.CharField(source="actor.public_id")
    obligor = serializers.CharField(
        source="relation.public_id", default=None, allow_null=True, help_text="who was turned to beside the debtor"
    )

    class Meta:
        model = Contact
        fields = ("id", "case", "channel", "outcome", "at", "actor", "next_action", "next_action_on", "obligor")


class CheckIn(serializers.Serializer):
    """Answers of the person on the line, two or more."""

    id_last4 = serializers.CharField(required=False, allow_blank=True, max_length=40)
    birth_year = serializers.CharField(required=False, allow_blank=True, max_length=40)
    address = serializers.CharField(required=False, allow_blank=True, max_length=40)
    employer = serializers.CharField(required=False, allow_blank=True, max_length=40)
    name = serializers.CharField(required=False, allow_blank=True, max_length=40, help_text="of an obligor who has no file of their own")
    mobile_last4 = serializers.CharField(
        required=False, allow_blank=True, max_length=40, help_text="of an obligor who has no file of their own"
    )
    obligor = serializers.CharField(**TO_WHOM)


class CheckOut(serializers.ModelSerializer):
    obligor = serializers.CharField(source="relation.public_id", default=None, allow_null=True, help_text="who was asked beside the debtor")

    class Meta:
        model = RightPartyCheck
        fields = ("result", "asked", "at", "until", "obligor")


class StepOut(serializers.Serializer):
    """A line of the script as it is said in this talk, its amounts filled in from the books."""

    script = serializers.CharField(source="script.public_id")
    code = serializers.CharField()
    text = serializers.CharField()
    must = serializers.BooleanField()
    said_at = serializers.DateTimeField(allow_null=True)


class ScriptOut(serializers.Serializer):
    """What is said in this talk; what speaks of the debt comes once the person is confirmed."""

    language = serializers.CharField()
    left = serializers.IntegerField(help_text="how many lines must still be said")
    lines = StepOut(many=True)


class SayIn(serializers.Serializer):
    script = serializers.CharField(max_length=16)
    code = serializers.CharField(max_length=40)


class PauseIn(serializers.Serializer):
    reason = serializers.ChoiceField(choices=Case.PauseReason.choices)
    until = serializers.DateField()


class ResumeIn(serializers.Serializer):
    reason = serializers.ChoiceField(
        choices=Case.PauseReason.choices, required=False, default=None, allow_null=True, help_text="default: all"
    )


class CloseIn(serializers.Serializer):
    reason = serializers.ChoiceField(choices=Case.CloseReason.choices)
    on = serializers.DateField()


class WayOut(serializers.Serializer):
    """What the contact policy says of one way of contact at this moment."""

    channel = serializers.CharField()
    allowed = serializers.BooleanField()
    rule = serializers.CharField(help_text="the rule that refuses, empty when allowed")
    opens_at = serializers.DateTimeField(allow_null=True, help_text="from when it is allowed; none when time cures nothing")
    reason = serializers.CharField()


class CaseViewSet(DoorViewSet):
    """Collection cases the caller may see."""

    serializer_class = CaseOut
    queryset = Case.objects.none()
    needs = {
        "list": permissions.VIEW,
        "retrieve": permissions.VIEW,
        "claim": permissions.CLAIM,
        "release": permissions.CLAIM,
        "contacts": permissions.CONTACT,
        "check": permissions.CONTACT,
        "script": permissions.VIEW,
        "say": permissions.CONTACT,
        "ways": permissions.VIEW,
        "obligors": permissions.VIEW,
        "pause": permissions.PAUSE,
        "resume": permissions.PAUSE,
        "close": permissions.CLOSE,
        "reopen": permissions.CLOSE,
    }

    def get_queryset(self) -> Any:
        return Case.objects.visible_to(self.request.user).for_list().prefetch_related("debts__loan")

    def answer(self, row: Case) -> Response:
        """Return the case as the door left it, also where giving it back took it out of the caller's sight."""
        return Response(CaseOut(Case.objects.for_list().prefetch_related("debts__loan").get(pk=row.pk)).data)

    @extend_schema(request=None, responses=CaseOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def claim(self, request: Request, public_id: str) -> Response:
        """Hold the case for a while; 409 when another person does."""
        return self.answer(cases.claim(self.get_object(), actor=caller(request), at=now()))

    @extend_schema(request=None, responses=CaseOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def release(self, request: Request, public_id: str) -> Response:
        """Give the case back."""
        row = self.get_object()
        cases.release(row, actor=caller(request), at=now())
        return self.answer(row)

    @extend_schema(request=PauseIn, responses=CaseOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def pause(self, request: Request, public_id: str) -> Response:
        """Let the case wait until a day, for a named reason; asked again, the reason takes the new day."""
        return self.answer(case_states.pause(self.get_object(), **checked(PauseIn, request), actor=caller(request), at=now()))

    @extend_schema(request=ResumeIn, responses=CaseOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def resume(self, request: Request, public_id: str) -> Response:
        """Go on with a case that waits."""
        return self.answer(case_states.resume(self.get_object(), **checked(ResumeIn, request), actor=caller(request), at=now()))

    @extend_schema(request=CloseIn, responses=CaseOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def close(self, request: Request, public_id: str) -> Response:
        """Close the case by a named reason; 409 with what the books lack for it."""
        return self.answer(case_states.close(self.get_object(), **checked(CloseIn, request), actor=caller(request), at=now()))

    @extend_schema(request=None, responses=CaseOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def reopen(self, request: Request, public_id: str) -> Response:
        """Open again a case that was closed by mistake."""
        return self.answer(case_states.reopen(self.get_object(), actor=caller(request), at=now()))

    @extend_schema(request=CheckIn, responses={200: CheckOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def check(self, request: Request, public_id: str) -> Response:
        """Compare two answers with the file of the debtor, or of an obligor, before a result of a talk with them is logged; neither is kept."""
        row, body = self.get_object(), checked(CheckIn, request)
        relation = links.asked(row, body.pop("obligor"))
        done = checks.confirm(row, answers=body, actor=caller(request), at=now(), relation=relation)
        return Response(CheckOut(done).data)

    @extend_schema(responses=ScriptOut)
    @action(detail=True, methods=["get"], filter_backends=[])
    def script(self, request: Request, public_id: str) -> Response:
        """Read what is said in the talk of a case the caller holds; a result of a talk with the debtor or an obligor needs every line marked `must`."""
        return self.lines(self.get_object(), caller(request))

    @extend_schema(request=SayIn, responses=ScriptOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def say(self, request: Request, public_id: str) -> Response:
        """Note that a line was said."""
        row, body = self.get_object(), checked(SayIn, request)
        script = CallScript.objects.filter(public_id=body["script"].replace("\0", "")).first()
        if script is None:
            raise serializers.ValidationError({"script": _("There is no such script.")})
        scripts.say(row, script=script, code=body["code"], actor=caller(request), at=now())
        return self.lines(row, caller(request))

    def lines(self, row: Case, user: User) -> Response:
        """Return the script as it stands for who holds the case.

        :raises NotHeld: if `user` does not
        """
        at = now()
        found = script_panel.held(row, user=user, at=at)
        steps = [step for _script, lines in found.parts for step in lines]
        return Response(ScriptOut({"language": found.language, "left": found.left, "lines": steps}).data)

    @extend_schema(responses=WayOut(many=True))
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def ways(self, request: Request, public_id: str) -> Response:
        """Ask whether the debtor may be reached, by every way of contact, now. Nothing is reserved: the contact itself asks again."""
        said = gate.answers(self.get_object(), at=now())
        return Response(WayOut([{"channel": channel, **vars(one.answer)} for channel, one in said.items()], many=True).data)

    @extend_schema(responses=ObligorOut(many=True))
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def obligors(self, request: Request, public_id: str) -> Response:
        """List who answers for the debt beside the debtor and agreed to be turned to, masked; each has a count of their own."""
        found = links.relations_of(self.get_object(), user=caller(request), at=now())
        return Response(ObligorOut([row for row in found if gate.party(row) != Party.THIRD], many=True).data)

    @extend_schema(request=ContactIn, responses={201: ContactOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def contacts(self, request: Request, public_id: str) -> Response:
        """Log a contact in a case the caller holds; the hold ends with it."""
        row = self.get_object()
        body = checked(ContactIn, request)
        promise = parts_of(body.pop("promise"))
        relation = links.asked(row, body.pop("obligor"))
        with named("promise"):
            contact = contacts.log_contact(row, actor=caller(request), at=now(), promise=promise, relation=relation, **body)
        return Response(ContactOut(contact).data, status=status.HTTP_201_CREATED)


class PartOut(serializers.ModelSerializer):
    class Meta:
        model = PromisePart
        fields = ("seq", "due_on", "amount")


class PromiseOut(serializers.ModelSerializer):
    """A promise to pay with its parts; `paid_amount` is what of it came in time."""

    id = serializers.CharField(source="public_id")
    case = serializers.CharField(source="case.public_id")
    customer = serializers.CharField(source="case.customer.public_id")
    taken_by = serializers.CharField(source="taken_by.public_id")
    replaces = serializers.CharField(source="replaces.public_id", default=None, allow_null=True)
    parts = PartOut(many=True)

    class Meta:
        model = Promise
        fields = (
            "id", "case", "customer", "status", "amount", "paid_amount", "first_due_on", "last_due_on", "grace_days", "tolerance",
            "channel", "taken_by", "taken_at", "ended_on", "cancel_reason", "replaces", "parts",
        )  # fmt: skip


class PromiseIn(serializers.Serializer):
    case = serializers.CharField(max_length=16)
    channel = serializers.ChoiceField(choices=Channel.choices)
    parts = PartIn(many=True, allow_empty=False)


class PromiseViewSet(DoorViewSet):
    """Promises to pay in the cases the caller may see."""

    serializer_class = PromiseOut
    queryset = Promise.objects.none()
    needs = {"list": permissions.VIEW, "retrieve": permissions.VIEW, "create": permissions.CONTACT}

    def get_queryset(self) -> Any:
        return Promise.objects.visible_to(self.request.user).for_list().select_related("replaces").prefetch_related("parts")

    @extend_schema(request=PromiseIn, responses={201: PromiseOut})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Write down a promise of the confirmed person in a case the caller holds; one that ran until now is replaced."""
        body = checked(PromiseIn, request)
        case = Case.objects.named(caller(request), body["case"])
        if case is None:
            raise serializers.ValidationError({"case": _("There is no such case.")})
        checks.refuse_unconfirmed(case, actor=caller(request), at=now())
        with named("parts"):
            made = promises.take(case, parts=parts_of(body["parts"]), channel=body["channel"], actor=caller(request), at=now())
        return Response(PromiseOut(self.get_queryset().get(pk=made.pk)).data, status=status.HTTP_201_CREATED)


VIEWSETS = (
    {"cases": CaseViewSet, "promises": PromiseViewSet}
    | matter_api.VIEWSETS
    | relief_api.VIEWSETS
    | results_api.VIEWSETS
    | placement_api.VIEWSETS
    | legal_api.VIEWSETS
    | visit_api.VIEWSETS
    | trace_api.VIEWSETS
    | quality_api.VIEWSETS
    | capacity_api.VIEWSETS
    | dry_run_api.VIEWSETS
)
