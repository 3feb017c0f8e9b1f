"""Hours agreed with a person, or asked to be left out: an agreement beyond the rules needs its evidence."""

from datetime import date, datetime, time
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid
from customers.models import AgreedWindow, Customer
from governance.models import User
from ledger import log

LONGEST = 200


class NoEvidence(Invalid):
    """Hours beyond the rules hold only if it can be shown that they were agreed."""

    code = "no_evidence"


@transaction.atomic
def agree(
    customer: Customer,
    *,
    kind: str,
    opens: time,
    closes: time,
    since: date,
    source: str,
    evidence: str,
    actor: User,
    at: datetime,
    until: date | None = None,
) -> AgreedWindow:
    """Write down hours `[opens, closes)` of the person's clock; a window over midnight is two.

    :raises NoEvidence: if nothing says where the agreement can be heard or read
    :raises Invalid: with a sentence per wrong value
    """
    problems: dict[str, Any] = {}
    if kind not in AgreedWindow.Kind.values:
        problems["kind"] = _("Choose what was agreed.")
    if source not in AgreedWindow.Source.values:
        problems["source"] = _("Choose how it was agreed.")
    if closes <= opens:
        problems["closes"] = _("The end has to be after the beginning; hours over midnight are entered as two.")
    if until is not None and until < since:
        problems["until"] = _("The last day cannot lie before the first.")
    if len(evidence.strip()) > LONGEST:
        problems["evidence"] = _("At most 200 characters.")
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    if not evidence.strip():
        sentence = _("Say where the agreement can be heard or read: without evidence the hours of the rules hold.")
        raise NoEvidence(sentence, fields={"evidence": sentence})
    made = AgreedWindow.objects.create(
        customer=customer, kind=kind, opens=opens, closes=closes, since=since, until=until, source=source, evidence=evidence.strip(),
        actor=actor, made_at=at,
    )  # fmt: skip
    log.record(
        "customers.window.agreed", made, actor=actor, at=at, customer_id=customer.pk, kind=kind, source=source,
        opens=f"{opens:%H:%M}", closes=f"{closes:%H:%M}",
    )  # fmt: skip
    return made


@transaction.atomic
def end(window: AgreedWindow, *, actor: User, at: datetime) -> None:
    """End agreed hours; those that ended meanwhile are left as they are."""
    if AgreedWindow.objects.filter(pk=window.pk, ended_at__isnull=True).update(ended_at=at, ended_by=actor):
        log.record("customers.window.ended", window, actor=actor, at=at, customer_id=window.customer_id)


def standing(customer: Customer) -> list[AgreedWindow]:
    """Return the hours that hold or will hold, the earliest of the day first."""
    return list(AgreedWindow.objects.filter(customer=customer, ended_at__isnull=True).order_by("opens", "pk"))
