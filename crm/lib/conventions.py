"""What columns are called alike everywhere mean: technical ones by type or name, and the words of the house's own vocabulary.

A column that is in neither table is its model's to explain.
"""

from typing import Any

from django.db import models
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from crm.lib.fields import PublicIdField

TECHNICAL: dict[str, Any] = {
    "seal_key": _("Random key of the row that its sealed columns are bound to"),
    "version": _("How often the row was changed; a stale page is refused by it"),
    "status": _("Where the record stands in its table of moves"),
    "public_id": _("Name of the record in addresses and the API; without meaning"),
}
WORDS: dict[str, Any] = {
    "channel": _("The way by which it came or went: branch, web, partner, call, message"),
    "kind": _("Which kind it is, from a closed list"),
    "code": _("Short name programs know it by"),
    "amount": _("Amount of money, CNY"),
    "sha256": _("SHA-256 of the content, so that a change shows"),
    "name_en": _("Name in English"),
    "name_zh": _("Name in Chinese"),
    "key": _("Key that lets the same thing happen only once"),
    "term": _("Length in months"),
    "business_date": _("The lender's business date it is about"),
    "language": _("Language it is written in, or the person reads"),
    "annual_rate": _("Rate a year, as a fraction"),
    "penalty_rate": _("Penalty rate a year, as a fraction"),
    "due_on": _("Last day for it"),
    "is_active": _("Whether it is in use"),
    "token_hash": _("Hash of a link's token; the token itself is not kept"),
    "list": _("Which list of the product"),
    "grace_days": _("Days after the due day without consequence"),
    "principal": _("Principal, CNY"),
    "interest": _("Interest, CNY"),
    "fee": _("Fees, CNY"),
    "penalty": _("Penalty interest, CNY"),
    "interest_waived": _("Interest waived, CNY"),
    "fee_waived": _("Fees waived, CNY"),
    "dpd": _("Days past due"),
    "bucket": _("Overdue bucket, M0 to M7"),
    "attempts": _("How many times it was tried"),
    "zone": _("Time zone"),
    "meaning_en": _("What it means, in English"),
    "meaning_zh": _("What it means, in Chinese"),
    "effective_from": _("First day in force"),
    "effective_to": _("Last day in force"),
    "expires_on": _("Day from which it no longer holds"),
    "size": _("Size in bytes"),
    "storage_key": _("Where the sealed file lies in the store"),
    "day_count": _("Convention by which days of interest are counted"),
    "month_end": _("How due days at the end of a month fall"),
    "rounding": _("How cents are rounded"),
    "allocation_order": _("Order in which a payment settles what is due"),
    "starts_on": _("Day on which interest begins"),
    "cost_hash": _("Hash of the cost table that was shown"),
    "closed_on": _("Business date on which it was closed"),
    "seq": _("Place in the row of parts"),
    "milliseconds": _("How long the work took, in milliseconds"),
    "conditions": _("Codes of the conditions attached"),
    "lines": _("How many lines the file has"),
    "next_line": _("Next line to be worked on"),
    "known": _("How many lines were known before"),
    "next_action": _("What is to be done next"),
    "next_action_on": _("Day of the next step"),
    "approval_limit": _("Largest amount that may be approved, CNY"),
    "reference": _("Reference given by the other side"),
    "query": _("Conditions of a list, as in its address; nothing personal"),
    "outcome": _("How it came out, from a closed list"),
    "currency": _("Currency of the amounts"),
}


def technical(field: Any) -> Any:
    """Return what a technical column means, "" if it is none: keys, links, moments, versions, statuses, public ids."""
    if field.primary_key and not field.is_relation:
        return _("Key of the row in the database")
    if field.is_relation:
        return format_lazy(_("Link to a row of {model}"), model=field.related_model._meta.label)
    if isinstance(field, PublicIdField):
        return TECHNICAL["public_id"]
    if field.name in TECHNICAL:
        return TECHNICAL[field.name]
    if isinstance(field, models.DateTimeField):
        return _("Moment of the step its name tells, UTC")
    return ""
