"""The rule that makes classes: from how many days late a class begins and what an upgrade needs; changed by two persons, as rows of the rule book.

The row that cites the law is the least a lender may do: another row may be stricter, never laxer.
"""

import itertools
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Max
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from credit import close_rules as codes
from credit.models import RiskClass
from credit.permissions import APPROVE_CLASS
from crm.lib.errors import Invalid
from governance import changes, rules
from governance.changes import Kind, Line
from governance.models import ChangeRequest, LegalEntity, Rule, User
from ledger import log

KIND, SUBJECT = "credit.class_rule", "classes"
# what the form calls it → code, its words, whether more of it is stricter
PARTS: dict[str, tuple[str, Any, bool]] = {
    "special_mention": (codes.SPECIAL_MENTION, _("Special mention above (days past due)"), False),
    "substandard": (codes.SUBSTANDARD, _("Substandard above (days past due)"), False),
    "doubtful": (codes.DOUBTFUL, _("Doubtful above (days past due)"), False),
    "loss": (codes.LOSS, _("Loss above (days past due)"), False),
    "upgrade_periods": (codes.UPGRADE_PERIODS, _("Periods paid as agreed before an upgrade"), True),
    "upgrade_months": (codes.UPGRADE_MONTHS, _("Months paid as agreed before an upgrade"), True),
    "restructured_floor": (codes.RESTRUCTURED_FLOOR, _("Best class of a restructured loan (2 special mention to 5 loss)"), True),
    "watch_months": (codes.WATCH_MONTHS, _("Least months a restructured loan is watched"), True),
    "watch_periods": (codes.WATCH_PERIODS, _("Least periods a restructured loan is watched"), True),
}
HIGHEST = {"restructured_floor": 5, "upgrade_months": 60, "upgrade_periods": 60, "watch_months": 60, "watch_periods": 60}
LONGEST = 3_650  # days

# The classes that another rule would find, from how the last close left each loan; what nobody is late with and was never worse stays.
PREVIEW = """
SELECT risk_class, again, count(*), sum(principal_outstanding)
FROM (
    SELECT loan.risk_class, loan.principal_outstanding,
        CASE WHEN loan.risk_class < 3 OR judged.found >= 3 THEN judged.found
            WHEN loan.cured_on IS NOT NULL AND loan.closed_on >= greatest(
                (loan.cured_on + make_interval(months => %(upgrade_months)s))::date,
                CASE WHEN %(upgrade_periods)s > 0 THEN (
                    SELECT part.due_on FROM credit_installment AS part WHERE part.loan_id = loan.id AND part.due_on > loan.cured_on
                    ORDER BY part.due_on LIMIT 1 OFFSET greatest(%(upgrade_periods)s - 1, 0)
                ) END
            ) THEN judged.found
            ELSE 3 END AS again
    FROM credit_loan AS loan
    CROSS JOIN LATERAL (
        SELECT greatest(
            1 + (loan.dpd > %(special_mention)s)::int + (loan.dpd > %(substandard)s)::int + (loan.dpd > %(doubtful)s)::int
                + (loan.dpd > %(loss)s)::int,
            (SELECT max(mark.risk_class) FROM credit_classmark AS mark WHERE mark.loan_id = loan.id AND mark.status = 'approved'
                AND mark.from_on <= loan.closed_on AND (mark.until_on IS NULL OR mark.until_on > loan.closed_on))
        ) AS found
    ) AS judged
    WHERE loan.status = 'open' AND loan.legal_entity_id = %(entity)s AND (loan.dpd > 0 OR loan.risk_class > 1)
) AS compared
GROUP BY 1, 2 ORDER BY 1, 2
"""


def standing(on: date) -> dict[str, int]:
    """Return the numbers that hold on a day."""
    held = rules.together(*(code for code, _label, _more in PARTS.values()), on=on)
    return {name: int(held[code].value) for name, (code, _label, _more) in PARTS.items()}


def least() -> dict[str, int]:
    """Return the numbers of the rows that cite the law; a part without one is the lender's own."""
    cited = Rule.objects.filter(code__in=[code for code, *_rest in PARTS.values()], verification__in=["verified", "secondary"])
    found: dict[str, int] = {}
    for row in cited.order_by("code", "-effective_from"):
        found[row.code] = int(row.value)  # the oldest last
    return {name: found[code] for name, (code, *_rest) in PARTS.items() if code in found}


def history(limit: int = 60) -> list[Rule]:
    """Return the rows over time, the latest first."""
    return list(Rule.objects.filter(code__in=[code for code, *_rest in PARTS.values()]).order_by("-effective_from", "code")[:limit])


def preview(entity: LegalEntity, values: dict[str, int]) -> dict[str, Any]:
    """Return how many loans would be of another class, by (from, to), with their principal; nothing is changed. One query."""
    with connection.cursor() as cursor:
        cursor.execute(PREVIEW, values | {"entity": entity.pk})
        rows = cursor.fetchall()
    labels: dict[int, Any] = dict(RiskClass.choices)
    moves = [
        {"was": labels[was], "now": labels[now], "worse": now > was, "loans": loans, "principal": principal}
        for was, now, loans, principal in rows
        if was != now
    ]
    return {
        "moves": moves,
        "looked": sum(loans for _was, _now, loans, _principal in rows),
        "worse": sum(each["loans"] for each in moves if each["worse"]),
        "better": sum(each["loans"] for each in moves if not each["worse"]),
    }


def problems(values: dict[str, int]) -> dict[str, Any]:
    """Return what is wrong with the numbers, by part."""
    found: dict[str, Any] = {}
    law = least()
    for name, (_code, _label, more) in PARTS.items():
        number = values[name]
        if not 0 <= number <= HIGHEST.get(name, LONGEST):
            found[name] = _("Enter a whole number from 0 to %(n)s.") % {"n": HIGHEST.get(name, LONGEST)}
        elif name in law and (number < law[name] if more else number > law[name]):
            sentence = _("At least %(n)s: the law asks for it.") if more else _("At most %(n)s: the law asks for it.")
            found[name] = sentence % {"n": law[name]}
    order = ("special_mention", "substandard", "doubtful", "loss")
    for before, after in itertools.pairwise(order):
        if after not in found and values[after] <= values[before]:
            found[after] = _("A graver class begins later than the one before it.")
    return found


def propose(values: dict[str, int], *, since: date, reason: str, actor: User, at: datetime) -> ChangeRequest:
    """Propose other numbers from a business date on.

    :raises Invalid: for numbers laxer than the law or out of order, or a date that is closed
    """
    return changes.propose(KIND, SUBJECT, after={"values": values, "since": since.isoformat()}, reason=reason, actor=actor, at=at)


def opened() -> date:
    """Return the first business date that no lender has closed yet."""
    return LegalEntity.objects.aggregate(day=Max("business_date"))["day"] or date.min


def waiting() -> ChangeRequest | None:
    rows = ChangeRequest.objects.filter(kind=KIND, subject=SUBJECT, status=ChangeRequest.Status.OPEN)
    return rows.select_related("made_by").first()


def _newest() -> dict[str, Rule]:
    rows = Rule.objects.filter(code__in=[code for code, *_rest in PARTS.values()]).order_by("code", "effective_from")
    return {row.code: row for row in rows}


def _standing(subject: str) -> dict[str, Any]:
    rows = _newest()
    since = max((row.effective_from for row in rows.values()), default=date.min)
    return {"values": {name: int(rows[code].value) for name, (code, *_rest) in PARTS.items()}, "since": since.isoformat()}


def _validate(subject: str, after: dict[str, Any]) -> None:
    found = problems(after["values"])
    since, now = date.fromisoformat(after["since"]), _standing(subject)
    if since < opened():
        found["since"] = _("%(day)s is closed and judged: choose %(open)s or a later day.") % {
            "day": since.isoformat(), "open": opened().isoformat(),
        }  # fmt: skip
    elif since.isoformat() <= now["since"]:
        found["since"] = _("The rule that stands holds from %(day)s: choose a later day.") % {"day": now["since"]}
    if after["values"] == now["values"]:
        raise Invalid(_("Nothing differs from what stands now."))
    if found:
        raise Invalid(_("This cannot be the rule."), fields=found)


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    return [
        Line(_("From"), before["since"], after["since"]),
        *(
            Line(label, before["values"][name], after["values"][name])
            for name, (_code, label, _more) in PARTS.items()
            if before["values"][name] != after["values"][name]
        ),
    ]


def _make(subject: str, after: dict[str, Any], *, actor: User, at: datetime) -> Rule:
    _validate(subject, after)  # a day may have been closed while it waited
    since, rows = date.fromisoformat(after["since"]), _newest()
    made = None
    for name, (code, *_rest) in PARTS.items():
        was = rows[code]
        if int(was.value) == after["values"][name]:
            continue
        Rule.objects.filter(pk=was.pk).update(effective_to=since)
        made = rules.put(
            code, value=after["values"][name], unit=was.unit, meaning_en=was.meaning_en, meaning_zh=was.meaning_zh,
            citation=was.citation, verification=Rule.Verification.POLICY, effective_from=since,
        )  # fmt: skip
        log.record("credit.class_rule.set", made, actor=actor, at=at, code=code, was=was.value, value=made.value, effective_from=since)
    assert made is not None
    return made


changes.KINDS.register(
    KIND,
    Kind(
        _("Rule of classification"), APPROVE_CLASS, _standing, _validate, _lines, _make, lambda subject, after: _("Rule of classification"),
        lambda subject: reverse("class-rule"),
    ),
)  # fmt: skip
