"""The assignment rules in sentences: what a rule says, what a preview found, why a case stands with somebody."""

from collections.abc import Iterable
from typing import Any

from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from collection.assignment import FULL, KEPT_OFF, NO_RULE, NOBODY, Outcome
from collection.models import AssignmentMark, AssignmentRule, Case, Collector
from credit.accrual import bucket_name
from crm.lib.templatetags.crm import day as shown_day
from crm.lib.templatetags.crm import spoken
from governance.models import Team, User

LANGUAGES = {"zh-hans": "Chinese", "en": "English"}


def language(code: str) -> str:
    """Return a language's name in the reader's own."""
    return {"zh-hans": _("Chinese"), "en": _("English")}.get(code, code or _("no language"))


def conditions(rule: AssignmentRule) -> str:
    """Return which cases a rule is about."""
    parts: list[str] = []
    if rule.buckets:
        parts.append(", ".join(bucket_name(bucket) for bucket in rule.buckets))
    if rule.languages:
        parts.append(", ".join(language(code) for code in rule.languages))
    if rule.products:
        parts.append(", ".join(rule.products))
    if rule.branch:
        parts.append(str(rule.branch))
    if rule.amount_from is not None:
        parts.append(_("from %(amount)s") % {"amount": spoken(rule.amount_from)})
    if rule.amount_below is not None:
        parts.append(_("below %(amount)s") % {"amount": spoken(rule.amount_below)})
    return " · ".join(parts) or _("Any case")


def target(rule: AssignmentRule) -> str:
    """Return whom a rule gives them to."""
    if rule.gives_to == AssignmentRule.To.POOL:
        return _("Everybody in the queue")
    if rule.gives_to == AssignmentRule.To.TEAM:
        return _("Queue of %(team)s") % {"team": rule.team}
    parts = [str(rule.team) if rule.team else _("Any team")]
    if rule.skill:
        parts.append(str(Collector.Skill(rule.skill).label))
    if rule.same_language:
        parts.append(_("in the customer's language"))
    return " · ".join(parts)


def reason(code: str, rule: AssignmentRule | None, of: str) -> str:
    """Return why cases are placed with nobody."""
    words = {"rule": rule.name if rule else "", "language": language(of)}
    if code == NO_RULE:
        return _("no rule fits them")
    if code == NOBODY:
        return _("“%(rule)s”: nobody present has the skill, speaks %(language)s and reaches the branch") % words
    if code == FULL:
        return _("“%(rule)s”: everybody who could take them carries as many cases as they may") % words
    if code == KEPT_OFF:
        return _("“%(rule)s”: a complaint keeps off whoever still has room") % words
    return code


def lines(found: Outcome, rules: Iterable[AssignmentRule]) -> dict[str, Any]:
    """Return what a preview or a run found, as the page shows it."""
    known = {rule.pk: rule for rule in rules}
    people = User.objects.in_bulk([share.person for share in found.shares if share.person])
    teams = Team.objects.in_bulk([share.team for share in found.shares if share.team])
    shares = [
        {
            "rule": known[share.rule].name if share.rule in known else "",
            "to": str(people.get(share.person) or teams.get(share.team) or _("Everybody in the queue")),
            "cases": share.cases,
            "moves": share.moves,
        }
        for share in found.shares
    ]
    unmatched = [
        {"cases": row.cases, "why": reason(row.reason, known.get(row.rule) if row.rule else None, row.language)} for row in found.unmatched
    ]
    aside = [
        (found.by_hand, ngettext("%(n)s case was given by hand and stays", "%(n)s cases were given by hand and stay", found.by_hand)),
        (found.held, ngettext("%(n)s case is in somebody's hands now", "%(n)s cases are in somebody's hands now", found.held)),
        (found.waiting, ngettext("%(n)s case waits", "%(n)s cases wait", found.waiting)),
    ]
    return {
        "found": found, "shares": shares, "unmatched": unmatched,
        "aside": [sentence % {"n": number} for number, sentence in aside if number],
    }  # fmt: skip


def standing(case: Case) -> str:
    """Return why a case stands with whom it stands; empty where it lies in the pool by nobody's word."""
    mark = AssignmentMark.objects.select_related("rule__plan").filter(case=case).first()
    if mark is not None and (mark.person_id, mark.team_id) == (case.assigned_to_id, case.team_id):
        words = {"rule": mark.rule.name, "version": mark.rule.plan.number, "day": shown_day(localtime(mark.at).date())}
        return _("by rule “%(rule)s” (v%(version)s), since %(day)s") % words
    return _("given by hand") if case.assigned_to_id or case.team_id else ""
