"""What the customer's own app stops when a consent is withdrawn: offers that wait, reads for marketing, the bureau, third parties."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from customers import activities, effects, mentions, messages, permissions
from customers.models import Activity, Customer, Message, MessagePurpose, Purpose
from governance.models import User

CLEAR_WITHIN = timedelta(days=15)


def waiting_offers(customer: Customer) -> Any:
    status = Message.Status
    return Message.objects.filter(customer=customer, purpose=MessagePurpose.MARKETING, status__in=[status.PLANNED, status.WAITING])


def _offers_foreseen(customer: Customer) -> str:
    n = waiting_offers(customer).count()
    if not n:
        return _("No offers are sent any more; none waits.")
    return ngettext(
        "No offers are sent any more; %(n)s that waits is given up.", "No offers are sent any more; %(n)s that wait are given up.", n
    ) % {"n": n}


def _stop_offers(customer: Customer, *, actor: User, at: datetime) -> int:
    stopped = list(waiting_offers(customer))
    for message in stopped:
        messages.cancel(message, reason="consent_withdrawn", actor=actor, at=at)
    return len(stopped)


def _to_clear(customer: Customer, *, actor: User, at: datetime) -> int:
    owner = customer.owner
    fit = owner is not None and owner.is_active and owner.has_perm(permissions.ACT) and mentions.may_open(owner, customer)
    activities.plan(
        customer, kind=Activity.Kind.TASK, text=_("The consent to sensitive data was withdrawn: take out the bank card unless a loan needs it."),
        due_at=at + CLEAR_WITHIN, actor=actor, at=at, assignee=owner if fit else None,
    )  # fmt: skip
    return 1


effects.declare("offers_stop", Purpose.MARKETING, label=gettext_lazy("Offers stop"), foresee=_offers_foreseen, carry=_stop_offers)
effects.declare("marketing_closed", Purpose.MARKETING, label=gettext_lazy("The person is left out of every read for marketing."))
effects.declare(
    "bureau_refused",
    Purpose.BUREAU,
    label=gettext_lazy("The credit bureau is not asked again, and new applications are not decided without it."),
)
effects.declare(
    "contract_goes_on",
    Purpose.CONTACT,
    label=gettext_lazy("Messages the contract or the law needs go on; nothing else is sent on this ground."),
)
effects.declare(
    "sharing_stops",
    Purpose.SHARING,
    label=gettext_lazy("Nothing more is given to this third party; the person is left out of every read for sharing."),
)
effects.declare(
    "sensitive_cleared",
    Purpose.SENSITIVE,
    label=gettext_lazy("A task is planned to take out the bank card unless a loan needs it."),
    carry=_to_clear,
)
