"""Quality of contacts over HTTP: the form in versions, reviews with their scores. What is written in words goes in and is not given out."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from collection import permissions, quality
from collection.models import QualityForm, QualityReview
from collection.queues import lender_of
from credit.api_common import Filtered
from crm.lib.api import checked
from crm.lib.errors import DomainError, NotAllowed
from governance.asked import caller
from governance.idempotency import idempotent

OF_STATUS = [OpenApiParameter("status", str, description="waiting, scored, replied or closed")]
FIELD = re.compile(r"^(?:q_(.+)|(zh|en|weight)_(\d+))$")  # as the forms on the pages call them


@contextmanager
def named() -> Iterator[None]:
    """Let a refusal name a question as the body names it: `answers.greeting`, `questions.0.zh`."""
    try:
        yield
    except DomainError as error:
        error.fields = {
            FIELD.sub(lambda at: f"answers.{at[1]}" if at[1] else f"questions.{at[3]}.{at[2]}", name).replace("__all__", "questions"): words
            for name, words in error.fields.items()
        }
        raise


class QuestionOut(serializers.Serializer):
    code = serializers.CharField()
    en = serializers.CharField()
    zh = serializers.CharField()
    weight = serializers.IntegerField()
    critical = serializers.BooleanField(help_text="may not fail: a “no” makes the score 0")


class QualityFormOut(serializers.ModelSerializer):
    """One version of the questions; the newest is in force."""

    questions = QuestionOut(many=True)
    made_by = serializers.CharField(source="made_by.public_id")

    class Meta:
        model = QualityForm
        fields = ("number", "questions", "why", "made_by", "made_at")


class QuestionIn(serializers.Serializer):
    code = serializers.RegexField(
        r"^[a-z0-9_]{1,30}$", required=False, help_text="of a question that stays: its code; one is given where it is left out"
    )
    en = serializers.CharField(max_length=300)
    zh = serializers.CharField(max_length=300)
    weight = serializers.IntegerField(min_value=1, max_value=100)
    critical = serializers.BooleanField(required=False, default=False)


class QualityFormIn(serializers.Serializer):
    questions = QuestionIn(many=True, allow_empty=False, help_text="at most 15")
    why = serializers.CharField(max_length=200, help_text="what the change is for")


class QualityFormViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[QualityForm]):
    """The form that contacts are scored by, the newest version first."""

    serializer_class = QualityFormOut
    queryset = QualityForm.objects.none()
    needs = {"list": permissions.VIEW_QUALITY, "create": permissions.SCORE_QUALITY}

    def get_queryset(self) -> QuerySet[QualityForm]:
        return QualityForm.objects.select_related("made_by")

    @extend_schema(request=QualityFormIn, responses={201: QualityFormOut})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Change the form: a new version; scores of before keep theirs."""
        body = checked(QualityFormIn, request)
        with named():
            made = quality.put_form(**body, actor=caller(request), at=now())
        return Response(QualityFormOut(made).data, status=status.HTTP_201_CREATED)


class QualityReviewOut(serializers.ModelSerializer):
    """A contact that was drawn, with its score; what was noted and replied stays inside."""

    id = serializers.CharField(source="public_id")
    contact = serializers.CharField(source="contact.public_id")
    case = serializers.CharField(source="contact.case.public_id")
    collector = serializers.CharField(source="contact.actor.public_id", help_text="who made the contact")
    form = serializers.IntegerField(source="form.number", default=None, allow_null=True, help_text="version of the form it was scored by")
    answers = serializers.DictField(child=serializers.CharField(), help_text="yes, no or na by the code of the question")
    reviewer = serializers.CharField(source="reviewer.public_id", default=None, allow_null=True)

    class Meta:
        model = QualityReview
        fields = (
            "id", "contact", "case", "collector", "round", "status", "drawn", "form", "answers", "score", "failed", "reviewer", "drawn_at",
            "scored_at", "replied_at",
        )  # fmt: skip


class SampleIn(serializers.Serializer):
    """Which talks a sample is drawn from; the same seed draws the same sample."""

    since = serializers.DateField()
    until = serializers.DateField()
    each = serializers.IntegerField(min_value=1, max_value=quality.MOST_SAMPLE, help_text="for each collector")
    seed = serializers.CharField(max_length=40)


class ScoreIn(serializers.Serializer):
    answers = serializers.DictField(
        child=serializers.ChoiceField(choices=[(quality.YES, "yes"), (quality.NO, "no"), (quality.NOT_ASKED, "na")]),
        help_text="an answer for each question of the form in force, by its code",
    )
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=quality.LONGEST, help_text="for the collector")


class QualityWordsIn(serializers.Serializer):
    words = serializers.CharField(max_length=quality.LONGEST)


class QualityReviewViewSet(Filtered):
    """Reviews the caller may see: who scores or audits those of their branch, who makes contacts their own once they are scored."""

    serializer_class = QualityReviewOut
    queryset = QualityReview.objects.none()
    filters = {"status": "status"}
    needs = {
        "list": permissions.VIEW_QUALITY,
        "retrieve": permissions.VIEW_QUALITY,
        "create": permissions.SCORE_QUALITY,
        "score": permissions.SCORE_QUALITY,
        "second": permissions.SCORE_QUALITY,
        "reply": permissions.CONTACT,
        "settle": permissions.SCORE_QUALITY,
    }

    def get_queryset(self) -> QuerySet[QualityReview]:
        rows: QuerySet[QualityReview] = quality.seen_by(caller(self.request)).for_list()
        return rows

    def told(self, row: QualityReview, code: int = status.HTTP_200_OK) -> Response:
        return Response(QualityReviewOut(QualityReview.objects.for_list().get(pk=row.pk)).data, status=code)

    @extend_schema(parameters=OF_STATUS)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(request=SampleIn, responses={201: QualityReviewOut(many=True)})
    @idempotent()
    def create(self, request: Request) -> Response:
        """Draw a sample by chance, and every talk whose words raised a flag; 409 `nothing_to_draw` where nothing is left."""
        body, user = checked(SampleIn, request), caller(request)
        made = quality.draw(lender_of(user), **body, actor=user, at=now())
        rows = QualityReview.objects.for_list().filter(pk__in=[row.pk for row in made]).order_by("-pk")
        return Response(QualityReviewOut(rows, many=True).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ScoreIn, responses=QualityReviewOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def score(self, request: Request, public_id: str) -> Response:
        """Score a contact by the form in force; nobody scores their own."""
        row, body = self.get_object(), checked(ScoreIn, request)
        with named():
            done = quality.score(row, **body, actor=caller(request), at=now())
        return self.told(done)

    @extend_schema(request=None, responses={201: QualityReviewOut})
    @action(detail=True, methods=["post"])
    @idempotent()
    def second(self, request: Request, public_id: str) -> Response:
        """Ask for a second scoring by another person; asked twice it is one."""
        return self.told(quality.second(self.get_object(), actor=caller(request), at=now()), status.HTTP_201_CREATED)

    @extend_schema(request=QualityWordsIn, responses=QualityReviewOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def reply(self, request: Request, public_id: str) -> Response:
        """Say what one thinks of the score of one's own contact."""
        if not caller(request).has_perm(permissions.VIEW_QUALITY):
            raise NotAllowed(_("You may not do this."))
        row, body = self.get_object(), checked(QualityWordsIn, request)
        return self.told(quality.reply(row, words=body["words"], actor=caller(request), at=now()))

    @extend_schema(request=QualityWordsIn, responses=QualityReviewOut)
    @action(detail=True, methods=["post"])
    @idempotent()
    def settle(self, request: Request, public_id: str) -> Response:
        """Answer a reply; the score stays as the form gave it."""
        row, body = self.get_object(), checked(QualityWordsIn, request)
        return self.told(quality.settle(row, words=body["words"], actor=caller(request), at=now()))


VIEWSETS = {"quality-forms": QualityFormViewSet, "quality-reviews": QualityReviewViewSet}
