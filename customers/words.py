"""Sentences for what codes say about messages."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from customers.contacts import SENTENCES

PROBLEMS = {
    "no_address": _("No address is on file."),
    "no_answer": _("The gateway gave no certain answer; it is asked again with the same key."),
    "not_sent": _("The mail server could not be reached; the mail has not left."),
    "unknown_result": _("The mail may have arrived: the server's answer was lost. It is not sent again by itself."),
    "sender_lost": _("The sender stopped half-way; another one takes it up."),
    "port_off": _("No gateway is connected."),
    "template": _("A placeholder of the template had no value."),
    "cannot_open": _("Its address or text cannot be opened any more."),
    "no_consent": _("The customer did not agree to marketing."),
    "unlawful_use": _("Nothing of the person may be read for the purpose of this message."),
    "not_due": _("It was no longer wanted when its time came."),
    "paid": _("It was paid before."),
    "superseded": _("A later one took its place."),
    "given_up": _("Given up by a person."),
    "consent_withdrawn": _("The customer withdrew the consent to it."),
    "gateway_busy": _("The gateway is used as much as it may be; it is tried again in a moment."),
    "other_way": _("It went by another way."),
    "stopped": _("The customer asked us to stop."),
    "wrong_number": _("Somebody else answered from this number."),
    "person_erased": _("The person was erased."),
    "absent": _("The operator could not deliver it."),
}
REFUSALS = {
    "unknown_number": _("The gateway refused it: there is no such number."),
    "550": _("The mail server refused it: there is no such mailbox."),
    "key_used": _("The gateway refused it: the text differs from that of the first try."),
}


def problem_of(problem: str) -> Any:
    """Return the sentence for a message's problem; "" for none."""
    if not problem:
        return ""
    if problem in PROBLEMS:
        return PROBLEMS[problem]
    if problem in SENTENCES:
        return SENTENCES[problem]
    kind, _colon, code = problem.partition(":")
    if kind == "refused":
        return REFUSALS.get(code) or _("The gateway refused it (%(code)s).") % {"code": code or "–"}
    if kind == "undelivered":
        return PROBLEMS.get(code) or _("The operator could not deliver it.")
    return problem
