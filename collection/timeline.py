"""What happened in collections, in words, for the timeline on the customer's page."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from collection import treatment_shape, treatment_words
from collection.models import Case, Channel, Complaint, Dispute, Outcome, PhoneCall, Promise, RightPartyCheck, Skip, TreatmentStep
from collection.permissions import VIEW
from credit.accrual import bucket_name
from crm.lib.templatetags.crm import spoken
from customers.timeline import kind, sentence
from ledger.models import Entry

kind("cases", label=gettext_lazy("Cases"), order=40, prefixes=("collections.case.",))
kind(
    "contacts",
    label=gettext_lazy("Contacts"),
    order=42,
    prefixes=("collections.contact.", "collections.check.", "collections.call.", "collections.paylink."),
)
kind("treatments", label=gettext_lazy("Treatment"), order=46, prefixes=("collections.treatment.", "collections.experiment."))
kind("promises", label=gettext_lazy("Promises"), order=44, prefixes=("collections.promise.",))

kind("matters", label=gettext_lazy("Disputes and complaints"), order=45, prefixes=("collections.dispute.", "collections.complaint."))


@sentence("collections.case.opened", icon="case", tone="warn", permission=VIEW)
def _opened(entry: Entry) -> str:
    return _("Case opened: %(amount)s overdue, %(days)s days past due") % {
        "amount": amount(entry),
        "days": entry.facts.get("dpd", 0),
    }


@sentence("collections.case.bucket_moved", icon="case", tone="caution", permission=VIEW)
def _moved(entry: Entry) -> str:
    return _("Case moved from %(was)s to %(now)s, %(amount)s overdue") % {
        "was": bucket_name(entry.facts.get("was", 0)),
        "now": bucket_name(entry.facts.get("bucket", 0)),
        "amount": amount(entry),
    }


@sentence("collections.case.closed", icon="case", tone="good", permission=VIEW)
def _closed(entry: Entry) -> str:
    reason = entry.facts.get("reason", "")
    return _("Case closed: %(reason)s") % {"reason": dict(Case.CloseReason.choices).get(reason, reason)}


@sentence("collections.case.worked", icon="case", permission=VIEW)
def _worked(entry: Entry) -> str:
    return _("Work on the case began")


@sentence("collections.case.paused", icon="clock", tone="special", permission=VIEW)
def _paused(entry: Entry) -> str:
    return _("Work on the case waits until %(day)s: %(reason)s") % waits(entry)


@sentence("collections.case.pause_changed", icon="clock", tone="special", permission=VIEW)
def _pause_changed(entry: Entry) -> str:
    return _("Work on the case waits until %(day)s: %(reason)s") % waits(entry)


@sentence("collections.case.resumed", icon="case", tone="info", permission=VIEW)
def _resumed(entry: Entry) -> str:
    return _("Work on the case goes on")


@sentence("collections.case.reopened", icon="case", tone="warn", permission=VIEW)
def _reopened(entry: Entry) -> str:
    if entry.facts.get("why") == Case.ReopenReason.SETTLEMENT:
        return _("Case goes on: money of its settlement was taken back")
    return _("Case taken back: it had gone elsewhere (%(reason)s)") % {"reason": word(Case.CloseReason, entry.facts.get("reason", ""))}


@sentence("collections.case.claimed", icon="desk", permission=VIEW)
def _claimed(entry: Entry) -> str:
    return _("Case taken")


@sentence("collections.case.kept", icon="desk", permission=VIEW)
def _kept(entry: Entry) -> str:
    return _("Case held longer")


@sentence("collections.case.released", icon="desk", permission=VIEW)
def _released(entry: Entry) -> str:
    return _("Case given back")


@sentence("collections.case.claim_expired", icon="clock", permission=VIEW)
def _expired(entry: Entry) -> str:
    return _("Hold on the case ran out")


@sentence("collections.case.assigned", icon="users", permission=VIEW)
def _assigned(entry: Entry) -> str:
    return _("Case assigned to a collector") if entry.facts.get("to") else _("Case open to everybody in the queue")


@sentence("collections.contact.logged", icon="phone", tone="info", permission=VIEW)
def _contact(entry: Entry) -> str:
    return _("%(channel)s: %(outcome)s. Next action on %(day)s") % {
        "channel": word(Channel, entry.facts.get("channel", "")),
        "outcome": word(Outcome, entry.facts.get("outcome", "")),
        "day": entry.facts.get("next_action_on", ""),
    }


@sentence("collections.call.begun", icon="phone", permission=VIEW)
def _call_begun(entry: Entry) -> str:
    return _("A call was begun")


@sentence("collections.call.moved", icon="phone", permission=VIEW)
def _call_moved(entry: Entry) -> str:
    return _("Call: %(status)s") % {"status": word(PhoneCall.Status, entry.facts.get("status", ""))}


@sentence("collections.paylink.made", icon="link", permission=VIEW)
def _link_made(entry: Entry) -> str:
    return _("Payment link of %(amount)s made") % {"amount": amount(entry)}


@sentence("collections.paylink.paid", icon="money", tone="good", permission=VIEW)
def _link_paid(entry: Entry) -> str:
    return _("%(amount)s paid by link") % {"amount": amount(entry)}


@sentence("collections.paylink.expired", icon="link", permission=VIEW)
@sentence("collections.paylink.withdrawn", icon="link", permission=VIEW)
def _link_ended(entry: Entry) -> str:
    return _("Payment link of %(amount)s ended unused") % {"amount": amount(entry)}


@sentence("collections.case.skipped", icon="desk", permission=VIEW)
def _skipped(entry: Entry) -> str:
    return _("Case left for another collector: %(reason)s") % {"reason": word(Skip.Reason, entry.facts.get("reason", ""))}


@sentence("collections.check.made", icon="desk", permission=VIEW)
def _checked(entry: Entry) -> str:
    return _("Right-party check: %(result)s") % {"result": word(RightPartyCheck.Result, entry.facts.get("result", ""))}


@sentence("collections.promise.taken", icon="promises", tone="info", permission=VIEW)
def _promised(entry: Entry) -> str:
    return _("Promised to pay %(amount)s by %(day)s") % {"amount": amount(entry), "day": entry.facts.get("due_on", "")}


@sentence("collections.promise.kept", icon="promises", tone="good", permission=VIEW)
def _promise_kept(entry: Entry) -> str:
    return _("Promise of %(amount)s kept") % {"amount": amount(entry)}


@sentence("collections.promise.partial", icon="promises", tone="caution", permission=VIEW)
def _promise_partial(entry: Entry) -> str:
    return _("%(paid)s came of the promised %(amount)s") % {
        "paid": spoken(Decimal(entry.facts.get("paid", "0.00"))),
        "amount": amount(entry),
    }


@sentence("collections.promise.open", icon="promises", tone="caution", permission=VIEW)
def _promise_again(entry: Entry) -> str:
    return _("Promise of %(amount)s runs again: the payment was taken back") % {"amount": amount(entry)}


@sentence("collections.promise.broken", icon="promises", tone="bad", permission=VIEW)
def _promise_broken(entry: Entry) -> str:
    words = {"amount": amount(entry), "paid": spoken(Decimal(entry.facts.get("paid", "0.00")))}
    return _("Promise of %(amount)s broken, %(paid)s came") % words


@sentence("collections.promise.replaced", icon="promises", permission=VIEW)
def _promise_replaced(entry: Entry) -> str:
    return _("Promise of %(amount)s replaced by another") % {"amount": amount(entry)}


@sentence("collections.promise.cancelled", icon="promises", permission=VIEW)
def _promise_cancelled(entry: Entry) -> str:
    words = {"amount": amount(entry), "reason": word(Promise.CancelReason, entry.facts.get("reason", ""))}
    return _("Promise of %(amount)s cancelled: %(reason)s") % words


@sentence("collections.case.taken_away", icon="case", permission=VIEW)
def _taken_away(entry: Entry) -> str:
    return _("The case went to somebody else")


@sentence("collections.dispute.opened", icon="cases", tone="caution", permission=VIEW)
def _disputed(entry: Entry) -> str:
    words = {"amount": amount(entry), "kind": word(Dispute.Kind, entry.facts.get("kind", "")), "day": entry.facts.get("due_on", "")}
    return _("%(amount)s contested: %(kind)s. Answer by %(day)s") % words


@sentence("collections.dispute.upheld", icon="cases", tone="good", permission=VIEW)
@sentence("collections.dispute.partly", icon="cases", tone="good", permission=VIEW)
def _dispute_upheld(entry: Entry) -> str:
    words = {"upheld": spoken(Decimal(entry.facts.get("upheld") or "0.00")), "amount": amount(entry)}
    return _("Dispute decided: %(upheld)s of %(amount)s is not owed") % words


@sentence("collections.dispute.rejected", icon="cases", permission=VIEW)
def _dispute_rejected(entry: Entry) -> str:
    return _("Dispute decided: %(amount)s is owed") % {"amount": amount(entry)}


@sentence("collections.dispute.withdrawn", icon="cases", permission=VIEW)
def _dispute_withdrawn(entry: Entry) -> str:
    return _("Dispute of %(amount)s taken back by the customer") % {"amount": amount(entry)}


@sentence("collections.dispute.put_right", icon="cases", tone="good", permission=VIEW)
def _dispute_put_right(entry: Entry) -> str:
    return _("What was upheld of a dispute is put right in the books: %(amount)s") % {"amount": amount(entry)}


@sentence("collections.complaint.opened", icon="cases", tone="caution", permission=VIEW)
def _complained(entry: Entry) -> str:
    words = {"kind": word(Complaint.Kind, entry.facts.get("kind", "")), "day": entry.facts.get("due_on", "")}
    return _("Complaint about collection: %(kind)s. Answer by %(day)s") % words


@sentence("collections.complaint.extended", icon="clock", permission=VIEW)
def _complaint_extended(entry: Entry) -> str:
    return _("The answer to a complaint is due by %(day)s now") % {"day": entry.facts.get("due_on", "")}


@sentence("collections.complaint.upheld", icon="cases", tone="bad", permission=VIEW)
def _complaint_upheld(entry: Entry) -> str:
    return _("Complaint decided: justified")


@sentence("collections.complaint.rejected", icon="cases", permission=VIEW)
def _complaint_rejected(entry: Entry) -> str:
    return _("Complaint decided: not justified")


@sentence("collections.complaint.withdrawn", icon="cases", permission=VIEW)
def _complaint_withdrawn(entry: Entry) -> str:
    return _("Complaint taken back by the customer")


def amount(entry: Entry) -> str:
    return spoken(Decimal(entry.facts.get("amount", "0.00")))


def waits(entry: Entry) -> dict[str, Any]:
    return {"day": entry.facts.get("until", ""), "reason": word(Case.PauseReason, entry.facts.get("reason", ""))}


def word(choices: Any, value: str) -> Any:
    return dict(choices.choices).get(value, value)


@sentence("collections.treatment.entered", icon="case", permission=VIEW)
def _path_entered(entry: Entry) -> str:
    return _("Treatment began: path “%(path)s”") % {"path": treatment_words.of_path(entry.facts.get("path", ""))}


@sentence("collections.treatment.ended", icon="case", permission=VIEW)
def _path_ended(entry: Entry) -> str:
    return _("Treatment ended: %(why)s") % {"why": treatment_words.of_end(entry.facts.get("why", ""))}


@sentence("collections.treatment.step", icon="clock", permission=VIEW)
def _path_step(entry: Entry) -> str:
    words = {
        "act": treatment_shape.ACTIONS.get(entry.facts.get("action", ""), ""),
        "status": word(TreatmentStep.Status, entry.facts.get("status", "")),
    }
    return _("Step of the treatment: %(act)s, %(status)s") % words
