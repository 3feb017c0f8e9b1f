"""Give cases to people by the house's rules, over all of them at once: the same statements preview a draft, run the night and place a new case.

The rules are asked in their order. The first whose conditions a case meets, and whose people have room for it, decides; a rule whose people
are full, away or unable passes on to the next. Within a rule cases go to whoever carries least, the weightiest case first; who has a case by
rule keeps it as long as the rule would still take them. What never moves: what a supervisor gave by hand, what somebody holds now, what
waits. Whom a complaint keeps from a case never gets it, nobody gets more than they carry, and nobody gets what their team does not reach.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from collection import roster
from collection.contested import BARS
from collection.models import AssignmentMark, AssignmentPlan, AssignmentRule, Case, CaseDebt, Complaint
from collection.roster import Hand
from credit.models import Loan, Product
from customers.models import Customer
from governance.models import LegalEntity, Team, User
from ledger import log

LOCK = 7412  # of advisory locks: one application of the rules at a time in a lender
CASE, DEBT, MARK = Case._meta.db_table, CaseDebt._meta.db_table, AssignmentMark._meta.db_table
NO_RULE, NOBODY, FULL, KEPT_OFF = "no_rule", "nobody", "full", "kept_off"
To = AssignmentRule.To

GATHER = f"""
CREATE TEMP TABLE to_place ON COMMIT DROP AS
SELECT c.id, c.version, c.customer_id, c.branch_id, t.path, c.bucket, c.overdue_amount, c.expected_recovery, cu.language,
    c.assigned_to_id AS was, c.team_id AS was_team, NULL::bigint AS matched, NULL::bigint AS rule, NULL::bigint AS person,
    NULL::bigint AS team, false AS decided, NULL::text AS reason, NULL::bigint AS tried
FROM {CASE} c JOIN {Customer._meta.db_table} cu ON cu.id = c.customer_id JOIN {Team._meta.db_table} t ON t.id = c.branch_id
LEFT JOIN {MARK} m ON m.case_id = c.id AND m.person_id IS NOT DISTINCT FROM c.assigned_to_id AND m.team_id IS NOT DISTINCT FROM c.team_id
WHERE c.legal_entity_id = %(entity)s AND c.status IN ('open', 'worked')
    AND (c.claimed_by_id IS NULL OR c.claimed_until <= %(at)s)
    AND ((c.assigned_to_id IS NULL AND c.team_id IS NULL) OR m.case_id IS NOT NULL)
    AND (%(ids)s::bigint[] IS NULL OR c.id = ANY(%(ids)s))
"""  # noqa: S608  names of our own tables
BARRED = f"SELECT 1 FROM {Complaint._meta.db_table} b WHERE b.case_id = p.id AND b.status = ANY(%(bars)s) AND b.about_id = "  # noqa: S608
GIVE = f"""
WITH hands AS (SELECT * FROM unnest(%(people)s::bigint[], %(loads)s::int[], %(tops)s::int[]) AS h(person, load, top)),
slots AS (SELECT person, row_number() OVER (ORDER BY level, person) AS n FROM hands, generate_series(load + 1, top) AS level),
free AS (
    SELECT p.id, row_number() OVER (ORDER BY p.expected_recovery DESC, p.id) AS n FROM to_place p
    WHERE p.matched = %(rule)s AND NOT p.decided AND (p.language, p.branch_id) IN %(kinds)s AND NOT EXISTS ({BARRED} ANY(%(people)s))
)
UPDATE to_place SET decided = true, rule = %(rule)s, person = slots.person
FROM free JOIN slots USING (n) WHERE to_place.id = free.id
RETURNING to_place.person, to_place.was
"""  # noqa: S608
STAY = f"""
UPDATE to_place p SET decided = true, rule = %(rule)s, person = was
WHERE matched = %(rule)s AND NOT decided AND (language, branch_id, was) IN %(stays)s AND NOT EXISTS ({BARRED} p.was)
"""  # noqa: S608
ONE_BY_ONE = f"""
SELECT p.id, p.was, array_agg(b.about_id) FROM to_place p
JOIN {Complaint._meta.db_table} b ON b.case_id = p.id AND b.status = ANY(%(bars)s) AND b.about_id = ANY(%(people)s)
WHERE p.matched = %(rule)s AND NOT p.decided AND (p.language, p.branch_id) IN %(kinds)s
GROUP BY p.id, p.was, p.expected_recovery ORDER BY p.expected_recovery DESC, p.id
"""  # noqa: S608
WHOLE = f"""
SELECT count(*), count(*) FILTER (WHERE status = 'paused'), count(*) FILTER (WHERE status <> 'paused' AND claimed_until > %s)
FROM {CASE} WHERE legal_entity_id = %s AND status IN ('open', 'worked', 'paused')
"""  # noqa: S608
APPLY = f"""
UPDATE {CASE} c SET assigned_to_id = p.person, team_id = p.team, version = c.version + 1
FROM to_place p
WHERE c.id = p.id AND c.version = p.version AND c.status IN ('open', 'worked') AND (c.claimed_by_id IS NULL OR c.claimed_until <= %(at)s)
    AND (c.assigned_to_id IS DISTINCT FROM p.person OR c.team_id IS DISTINCT FROM p.team)
RETURNING c.id, c.customer_id, p.was, p.person, p.team, p.rule
"""  # noqa: S608
REMEMBER = f"""
INSERT INTO {MARK} (case_id, rule_id, person_id, team_id, at)
SELECT p.id, p.rule, p.person, p.team, %(at)s FROM to_place p JOIN {CASE} c ON c.id = p.id
WHERE p.decided AND c.assigned_to_id IS NOT DISTINCT FROM p.person AND c.team_id IS NOT DISTINCT FROM p.team
ON CONFLICT (case_id) DO UPDATE SET rule_id = EXCLUDED.rule_id, person_id = EXCLUDED.person_id, team_id = EXCLUDED.team_id,
    at = CASE WHEN {MARK}.person_id IS NOT DISTINCT FROM EXCLUDED.person_id AND {MARK}.team_id IS NOT DISTINCT FROM EXCLUDED.team_id
        THEN {MARK}.at ELSE EXCLUDED.at END
"""  # noqa: S608


@dataclass
class Share:
    """What one rule gives to one person or team, and how many of it change hands."""

    rule: int
    person: int | None
    team: int | None
    cases: int
    moves: int


@dataclass
class Unmatched:
    """Cases that no rule places: why, at which rule it first failed (None where none fits), of customers of which language."""

    reason: str
    rule: int | None
    language: str
    cases: int


@dataclass
class Outcome:
    """What a set of rules makes of the open cases."""

    open: int = 0
    considered: int = 0
    by_hand: int = 0
    held: int = 0
    waiting: int = 0
    moves: int = 0
    shares: list[Share] = field(default_factory=list)
    unmatched: list[Unmatched] = field(default_factory=list)

    @property
    def placed(self) -> int:
        return sum(share.cases for share in self.shares)

    @property
    def left(self) -> int:
        return sum(row.cases for row in self.unmatched)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON keeps it: ids, codes and counts."""
        counts = {name: getattr(self, name) for name in ("open", "considered", "by_hand", "held", "waiting", "moves")}
        rows = {name: [vars(row) for row in getattr(self, name)] for name in ("shares", "unmatched")}
        return counts | rows

    @classmethod
    def read(cls, kept: dict[str, Any]) -> "Outcome":
        shares = [Share(**row) for row in kept.get("shares", [])]
        unmatched = [Unmatched(**row) for row in kept.get("unmatched", [])]
        return cls(**kept | {"shares": shares, "unmatched": unmatched})


def live(entity: LegalEntity | int) -> AssignmentPlan | None:
    """Return the version in force."""
    return AssignmentPlan.objects.filter(legal_entity=entity, status=AssignmentPlan.Status.LIVE).first()


# --- the doors -----------------------------------------------------------------------------------------------------
def preview(plan: AssignmentPlan, *, at: datetime, on: date) -> Outcome:
    """Return what `plan` would make of the cases as they stand; nothing is changed."""
    with transaction.atomic(), connection.cursor() as cursor:
        decide(cursor, plan, at=at, on=on)
        found = counted(cursor, plan, at=at)
        cursor.execute("DROP TABLE to_place")
    return found


def apply(plan: AssignmentPlan, *, actor: User, at: datetime, on: date, case_ids: Collection[int] | None = None) -> Outcome:
    """Give the cases to whom `plan` gives them; return what came of it. Running it again moves nothing.

    A case that somebody changed, took or paused meanwhile is left to them: its version is compared in the same statement.

    :param case_ids: only these, as they open; all of the lender without
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, plan.legal_entity_id])
        decide(cursor, plan, at=at, on=on, case_ids=case_ids)
        found = counted(cursor, plan, at=at)
        cursor.execute(APPLY, {"at": at})
        moved = cursor.fetchall()
        cursor.execute(REMEMBER, {"at": at})
        cursor.execute("DROP TABLE to_place")
        label = Case._meta.label_lower
        entries = [
            log.Row(label, pk, customer, {"was": was, "to": person, "team": team, "rule": rule, "plan": plan.public_id})
            for pk, customer, was, person, team, rule in moved
        ]
        log.record_many("collections.case.assigned", entries, actor=actor, at=at)
        found.moves = len(moved)
    return found


# --- the decision, set by set -------------------------------------------------------------------------------------
def decide(cursor: Any, plan: AssignmentPlan, *, at: datetime, on: date, case_ids: Collection[int] | None = None) -> None:
    """Fill the table `to_place` of this transaction: each case with its rule, person or team, or why it has none."""
    entity = plan.legal_entity
    cursor.execute(GATHER, {"entity": entity.pk, "at": at, "ids": None if case_ids is None else list(case_ids)})
    hands = roster.hands(entity, on=on)
    loads = {hand.user.pk: hand.load for hand in hands}
    for rule in plan.rules.select_related("team", "branch").order_by("position"):
        if not match(cursor, rule):
            continue
        if rule.gives_to != To.PEOPLE:
            cursor.execute(
                "UPDATE to_place SET decided = true, rule = %s, team = %s WHERE matched = %s AND NOT decided RETURNING was",
                [rule.pk, rule.team_id, rule.pk],
            )
            for (was,) in cursor.fetchall():
                changed(loads, was, None)
        else:
            to_people(cursor, rule, hands, loads)
    cursor.execute("UPDATE to_place SET reason = COALESCE(reason, %s) WHERE NOT decided", [NO_RULE])


def match(cursor: Any, rule: AssignmentRule) -> int:
    """Mark the undecided cases that meet the conditions of `rule`; return how many."""
    terms, values = ["NOT p.decided"], dict[str, Any]()
    for name, term, value in (
        ("buckets", "p.bucket = ANY(%(buckets)s)", rule.buckets),
        ("languages", "p.language = ANY(%(languages)s)", rule.languages),
        ("low", "p.overdue_amount >= %(low)s", rule.amount_from),
        ("high", "p.overdue_amount < %(high)s", rule.amount_below),
        ("branch", "p.path LIKE %(branch)s", f"{rule.branch.path}%" if rule.branch else None),
        ("products", PRODUCTS, rule.products),
    ):
        if value not in (None, [], ""):
            terms.append(term)
            values[name] = value
    statement = f"UPDATE to_place p SET matched = %(rule)s, tried = COALESCE(tried, %(rule)s) WHERE {' AND '.join(terms)}"  # noqa: S608
    cursor.execute(statement, values | {"rule": rule.pk})
    return int(cursor.rowcount)


PRODUCTS = (
    f"EXISTS (SELECT 1 FROM {DEBT} d JOIN {Loan._meta.db_table} l ON l.id = d.loan_id JOIN {Product._meta.db_table} pr "  # noqa: S608
    "ON pr.id = l.product_id WHERE d.case_id = p.id AND d.overdue_amount > 0 AND pr.code = ANY(%(products)s))"
)


def able(rule: AssignmentRule, hands: Sequence[Hand]) -> list[Hand]:
    """Return whom a rule may give cases to."""
    team = rule.team.path if rule.team else ""
    return [hand for hand in hands if hand.can(rule.skill) and hand.path.startswith(team)]


def fits(rule: AssignmentRule, hand: Hand, language: str, path: str) -> bool:
    return hand.reaches(path) and (not rule.same_language or hand.speaks(language))


def to_people(cursor: Any, rule: AssignmentRule, hands: Sequence[Hand], loads: dict[int, int]) -> None:
    """Let those keep what they have whom the rule still takes; spread the rest over who fits, by load."""
    people = able(rule, hands)
    cursor.execute("SELECT DISTINCT language, branch_id, path, was FROM to_place WHERE matched = %s AND NOT decided", [rule.pk])
    kinds = cursor.fetchall()
    known = {hand.user.pk: hand for hand in people}
    stays = [(lang, branch, was) for lang, branch, path, was in kinds if was in known and fits(rule, known[was], lang, path)]
    if stays:
        cursor.execute(STAY, {"rule": rule.pk, "stays": tuple(stays), "bars": list(BARS)})
    groups: dict[tuple[int, ...], set[tuple[str, int]]] = defaultdict(set)
    for lang, branch, path, _was in kinds:
        groups[tuple(hand.user.pk for hand in people if fits(rule, hand, lang, path))].add((lang, branch))
    for ids, kinds_of in groups.items():
        give(cursor, rule, [known[pk] for pk in ids], tuple(kinds_of), loads)


def give(cursor: Any, rule: AssignmentRule, people: Sequence[Hand], kinds: tuple[tuple[str, int], ...], loads: dict[int, int]) -> None:
    """Spread the undecided cases of some languages and branches over the same people, the least loaded first, up to what each carries."""
    asked = {"rule": rule.pk, "kinds": kinds, "bars": list(BARS)}
    waits = "matched = %(rule)s AND NOT decided AND (language, branch_id) IN %(kinds)s"
    if not people:
        cursor.execute(f"UPDATE to_place SET reason = COALESCE(reason, '{NOBODY}') WHERE {waits}", asked)  # noqa: S608
        return
    cursor.execute(f"SELECT count(*) FROM to_place WHERE {waits}", asked)  # noqa: S608
    wanted = int(cursor.fetchone()[0])
    ids = [hand.user.pk for hand in people]
    tops = levels(people, loads, wanted)
    cursor.execute(GIVE, asked | {"people": ids, "loads": [loads[pk] for pk in ids], "tops": tops})
    for person, was in cursor.fetchall():
        changed(loads, was, person)
    one_by_one(cursor, asked | {"people": ids}, people, loads)
    cursor.execute(f"UPDATE to_place SET reason = COALESCE(reason, '{FULL}') WHERE {waits}", asked)  # noqa: S608


def levels(people: Sequence[Hand], loads: dict[int, int], wanted: int) -> list[int]:
    """Return up to which number of cases each is filled so that `wanted` cases find room and all end as level as can be."""
    ends = [hand.most if hand.most is not None else loads[hand.user.pk] + wanted for hand in people]
    low, high = 0, max([*ends, 0])
    while low < high:  # the lowest level that has room for all of them
        level = (low + high) // 2
        room = sum(max(min(end, level) - loads[hand.user.pk], 0) for hand, end in zip(people, ends, strict=True))
        low, high = (low, level) if room >= wanted else (level + 1, high)
    return [min(end, low) for end in ends]


def one_by_one(cursor: Any, asked: dict[str, Any], people: Sequence[Hand], loads: dict[int, int]) -> None:
    """Give the few cases from which a complaint keeps somebody to the least loaded of the others."""
    cursor.execute(ONE_BY_ONE, asked)
    for pk, was, barred in cursor.fetchall():
        free = [
            hand for hand in people
            if hand.user.pk not in barred and (hand.most is None or loads[hand.user.pk] < hand.most)
        ]  # fmt: skip
        if not free:
            cursor.execute("UPDATE to_place SET reason = COALESCE(reason, %s) WHERE id = %s", [KEPT_OFF, pk])
            continue
        chosen = min(free, key=lambda hand: (loads[hand.user.pk], hand.user.pk)).user.pk
        changed(loads, was, chosen)
        cursor.execute("UPDATE to_place SET decided = true, rule = %s, person = %s WHERE id = %s", [asked["rule"], chosen, pk])


def changed(loads: dict[int, int], was: int | None, now: int | None) -> None:
    """Take a case off the load of who had it and put it on that of who gets it."""
    if was in loads:
        loads[was] -= 1
    if now in loads:
        loads[now] += 1


def counted(cursor: Any, plan: AssignmentPlan, *, at: datetime) -> Outcome:
    """Return what stands in `to_place` as counts, and what lies outside it."""
    cursor.execute(
        "SELECT rule, person, team, count(*), count(*) FILTER (WHERE was IS DISTINCT FROM person OR was_team IS DISTINCT FROM team) "
        "FROM to_place WHERE decided GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3"
    )
    shares = [Share(*row) for row in cursor.fetchall()]
    cursor.execute(
        "SELECT reason, tried, language, count(*), count(*) FILTER (WHERE was IS NOT NULL OR was_team IS NOT NULL) FROM to_place "
        "WHERE NOT decided GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3"
    )
    left = cursor.fetchall()
    cursor.execute(WHOLE, [at, plan.legal_entity_id])
    whole, waiting, held = cursor.fetchone()
    considered = sum(share.cases for share in shares) + sum(row[3] for row in left)
    return Outcome(
        open=whole, considered=considered, waiting=waiting, held=held, by_hand=max(whole - waiting - held - considered, 0),
        moves=sum(share.moves for share in shares) + sum(row[4] for row in left),
        shares=shares, unmatched=[Unmatched(reason, rule, language, cases) for reason, rule, language, cases, _moves in left],
    )  # fmt: skip
