"""A large book for measuring: the demonstration's rows cloned by SQL until there are 100,000 customers with 300,000 loans.

A clone keeps what makes a row what it is (status, amounts, days past due, sealed texts); it gets ids, public ids and unique keys of its
own, other teams and staff, and moments some seconds apart, so that no page meets thousands of equal ones. Loans beyond the first round
go to other customers of the same clone, so that a customer has three on average.
"""

import math
import time
from typing import Any

from benchmarks.common import put_back, say, set_aside, vacuum
from crm.lib.fields import ALPHABET

BRANCHES, OFFICERS, COLLECTORS, UNDERWRITERS = 18, 5, 40, 20
SECONDS = 37  # between the moments of one clone and the next

# Everything that belongs to a customer, and nothing that belongs to the house.
TABLES = [
    "customers_customer",
    "customers_searchkeys",
    "customers_activity",
    "customers_consent",
    "customers_message",
    "customers_contactattempt",
    "customers_contactbar",
    "customers_document",
    "customers_note",
    "customers_relation",
    "risk_decision",
    "credit_application",
    "credit_reservation",
    "credit_offer",
    "credit_loan",
    "credit_installment",
    "credit_transaction",
    "credit_posting",
    "credit_virtualaccount",
    "credit_offerlink",
    "credit_contract",
    "credit_payoffquote",
    "credit_refund",
    "credit_receipt",
    "credit_reminder",
    "credit_paperrequest",
    "credit_paper",
    "credit_condition",
    "credit_proposal",
    "credit_counteroffer",
    "credit_verifiedfact",
    "collections_case",
    "collections_casedebt",
    "collections_contact",
    "collections_rightpartycheck",
    "collections_promise",
    "collections_promisepart",
    "ledger_entry",
]
# Good loans and what they stand on; they go round once more.
CHAIN = {
    "credit_loan": "t.id IN (SELECT id FROM bench_good)",
    "credit_application": "t.id IN (SELECT application_id FROM bench_good)",
    "risk_decision": "t.id IN (SELECT a.decision_id FROM bench_good AS g JOIN credit_application AS a ON a.id = g.application_id)",
    "credit_offer": "t.id IN (SELECT offer_id FROM bench_good)",
    "credit_installment": "t.loan_id IN (SELECT id FROM bench_good)",
    "credit_transaction": "t.loan_id IN (SELECT id FROM bench_good)",
    "credit_posting": "t.transaction_id IN (SELECT x.id FROM credit_transaction AS x JOIN bench_good AS g ON g.id = x.loan_id)",
    "credit_virtualaccount": "t.loan_id IN (SELECT id FROM bench_good)",
}
HASHED = "md5({c} || t.{column}) || md5(t.{column} || {c})"
UNIQUE = {
    "customers_customer": dict.fromkeys(("id_number_key", "mobile_key", "bank_card_key", "born_key"), HASHED),
    "customers_message": {"key": "t.key || '#' || {c}"},
    "customers_contactattempt": {"key": "t.key || '#' || {c}"},
    "customers_document": {"storage_key": "t.storage_key || '.' || {c}", "sha256": HASHED},
    "credit_application": {"reference": "CASE WHEN t.reference = '' THEN '' ELSE t.reference || '#' || {c} END"},
    "credit_receipt": {"reference": "t.reference || '#' || {c}"},
    "credit_virtualaccount": {"number": "(t.number::bigint + {c} * 10000000)::text"},
    "credit_offerlink": {"token_hash": HASHED},
    "credit_contract": {"storage_key": "t.storage_key || '.' || {c}"},
    "ledger_entry": {"position": "t.position + {c} * {offset}"},
}


def grow(superuser_url: str, *, customers: int, loans: int) -> None:
    """Clone the rows that are there until there are so many customers and loans, spread over branches and staff of their own."""
    import psycopg2

    places, staff = house()
    began = time.monotonic()
    with psycopg2.connect(superuser_url) as link, link.cursor() as cursor:
        cursor.execute(
            "SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '512MB'; SET work_mem = '128MB'"
        )
        later = set_aside(cursor, *TABLES)
        # counted before the first row is added: what is cloned is the demonstration, never a clone
        offsets = {table: one(cursor, f"SELECT coalesce(max({key_of(table)}), 0) + 1 FROM {table}") for table in TABLES}
        offsets["ledger_entry"] = max(offsets["ledger_entry"], one(cursor, "SELECT coalesce(max(position), 0) + 2 FROM ledger_entry"))
        clones = math.ceil(customers / one(cursor, "SELECT count(*) FROM customers_customer")) - 1
        cursor.execute("CREATE TEMPORARY TABLE bench_good AS SELECT * FROM credit_loan WHERE dpd = 0")
        have = one(cursor, "SELECT count(*) FROM credit_loan") * (clones + 1)
        rounds = max(0, math.ceil((loans - have) / one(cursor, "SELECT count(*) FROM bench_good") / (clones + 1)))
        cursor.execute("CREATE TEMPORARY TABLE bench_copies AS SELECT n AS c, n AS k FROM generate_series(1::bigint, %s) AS n", [clones])
        cursor.execute(
            "CREATE TEMPORARY TABLE bench_rounds AS SELECT %(clones)s + 1 + k * %(rounds)s + e AS c, k, e"
            " FROM generate_series(0::bigint, %(clones)s) AS k, generate_series(0::bigint, %(rounds)s - 1) AS e",
            {"clones": clones, "rounds": rounds},
        )
        cursor.execute(
            "CREATE TEMPORARY TABLE bench_people AS SELECT id, branch_id, owner_id, row_number() OVER (ORDER BY id) - 1 AS i"
            " FROM customers_customer"
        )
        spread(cursor, clones, places, staff)
        # the rows that are cloned, held fast: an INSERT … SELECT of a table would see no more, the second statement would
        for table in TABLES:
            cursor.execute(f"CREATE TEMPORARY TABLE from_{table} AS SELECT * FROM {table}")
        for table in TABLES:
            # what happened to the house itself happened once
            cursor.execute(
                statement(cursor, table, offsets, "bench_copies", "t.customer_id IS NOT NULL" if table == "ledger_entry" else "true")
            )
            made = cursor.rowcount
            if rounds and table in CHAIN:
                cursor.execute(statement(cursor, table, offsets, "bench_rounds", CHAIN[table]))
                made += cursor.rowcount
            if made > 1_000_000:
                say(f"  {table:28} {made:>10,} rows  {time.monotonic() - began:5.0f} s")
        for table in TABLES:
            cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [table, key_of(table)])
            if sequence := cursor.fetchone()[0]:
                cursor.execute(f"SELECT setval('{sequence}', (SELECT max({key_of(table)}) FROM {table}))")
        put_back(cursor, later)
        say(f"  indexes made  {time.monotonic() - began:5.0f} s")
    link.close()
    vacuum(superuser_url)
    say(f"a large book in {time.monotonic() - began:.0f} s")


def house() -> tuple[list[int], dict[str, list[int]]]:
    """Found branches and hire staff; return the branches, and per role whom the work of a clone goes to."""
    from django.utils.timezone import now

    from governance import teams, users
    from governance.models import LegalEntity, Role, Team

    entity, system, at = LegalEntity.objects.get(), users.system(), now()
    head = Team.objects.get(code="HQ")
    roles = {role.code: role for role in Role.objects.all()}

    def hire(name: str, role: str, team: Any) -> int:
        return users.create(username=name, name=name, role=roles[role], team=team, actor=system, at=at).pk

    places, officers = [], []
    for n in range(BRANCHES):
        branch = teams.create(
            legal_entity=entity, code=f"B{n}", name_en=f"Branch {n}", name_zh=f"{n} 号分行", kind=Team.Kind.BRANCH, parent=head,
            actor=system, at=at,
        )  # fmt: skip
        places.append(branch.pk)
        officers += [hire(f"b{n}-officer{m}", "loan_officer", branch) for m in range(OFFICERS)]
    shanghai = Team.objects.get(code="SH")
    return places, {
        "loan_officer": officers,
        "home": [hire(f"sh-officer{m}", "loan_officer", shanghai) for m in range(OFFICERS)],
        "collector": [hire(f"collector-{m}", "collector", head) for m in range(COLLECTORS)],
        "underwriter": [hire(f"underwriter-{m}", "underwriter", head) for m in range(UNDERWRITERS)],
    }


def spread(cursor: Any, clones: int, places: list[int], staff: dict[str, list[int]]) -> None:
    """Write down which team and whose desk each clone's rows go to: a tenth stays in its branch, a hundredth with its people."""
    from governance.models import Team, User

    branches = list(Team.objects.filter(kind=Team.Kind.BRANCH).exclude(pk__in=places).values_list("pk", flat=True))
    hired = {pk for group in staff.values() for pk in group}
    people = [
        (pk, role) for pk, role in User.objects.values_list("pk", "role__code")
        if pk not in hired and role in ("loan_officer", "collector", "underwriter")
    ]  # fmt: skip
    cursor.execute("CREATE TEMPORARY TABLE bench_place (k int, old bigint, new bigint, PRIMARY KEY (k, old))")
    cursor.execute("CREATE TEMPORARY TABLE bench_staff (k int, old bigint, new bigint, PRIMARY KEY (k, old))")
    for k in range(1, clones + 1):
        at_home, with_them = k % 10 == 0, k % 100 == 0
        if not at_home:
            place = k % BRANCHES
            cursor.executemany("INSERT INTO bench_place VALUES (%s, %s, %s)", [(k, old, places[place]) for old in branches])
        rows = []
        for pk, role in people:
            if role == "loan_officer" and not with_them:
                mine = staff["home"] if at_home else staff["loan_officer"][place * OFFICERS : (place + 1) * OFFICERS]
                rows.append((k, pk, mine[(k + pk) % OFFICERS]))
            elif role != "loan_officer" and not with_them:
                rows.append((k, pk, staff[role][(k + pk) % len(staff[role])]))
        cursor.executemany("INSERT INTO bench_staff VALUES (%s, %s, %s)", rows)
    cursor.execute("ANALYZE bench_place, bench_staff")


def statement(cursor: Any, table: str, offsets: dict[str, int], copies: str, which: str) -> str:
    """Return the INSERT that clones a table for every row of `copies`."""
    from django.apps import apps
    from django.db import models

    model = next(model for model in apps.get_models(include_auto_created=True) if model._meta.db_table == table)
    chain = copies == "bench_rounds"
    columns, values, joins = [], [], []
    for field in model._meta.concrete_fields:
        column = field.column
        value = f't."{column}"'
        target = field.related_model._meta.db_table if field.is_relation and field.related_model else ""
        if column in UNIQUE.get(table, {}):
            value = UNIQUE[table][column].format(c="b.c", column=column, offset=offsets[table])
        elif target == "customers_customer" and chain:
            value = f"p.id + b.k * {offsets[target]}"
        elif target in offsets:
            value = f"t.{column} + b.c * {offsets[target]}"
        elif field.primary_key:
            value = f"t.{column} + b.c * {offsets[table]}"
        elif target in ("governance_team", "governance_user"):
            source = (
                f"p.{column}" if chain and column in ("branch_id", "owner_id") and table in ("credit_loan", "credit_application") else value
            )
            name = f"j{len(joins)}"
            kind = "bench_place" if target == "governance_team" else "bench_staff"
            joins.append(f"LEFT JOIN {kind} AS {name} ON {name}.k = b.k AND {name}.old = {source}")
            value = f"coalesce({name}.new, {source})"
        elif column == "public_id":
            value = f"split_part(t.public_id, '-', 1) || '-' || {letters(f'(t.id + b.c * {offsets[table]})')}"
        elif table == "ledger_entry" and column == "customer_id":
            value = f"t.customer_id + b.c * {offsets['customers_customer']}"
        elif table == "ledger_entry" and column == "actor_id":
            joins.append("LEFT JOIN bench_staff AS actor ON actor.k = b.k AND actor.old = t.actor_id")
            value = "coalesce(actor.new, t.actor_id)"
        elif table == "ledger_entry" and column == "subject_id":
            owners = " ".join(
                f"WHEN '{one._meta.label_lower}' THEN {offsets[one._meta.db_table]}"
                for one in apps.get_models() if one._meta.db_table in offsets
            )  # fmt: skip
            value = f"t.subject_id + b.c * CASE t.subject_type {owners} ELSE 0 END"
        elif isinstance(field, models.DateTimeField) and not column.endswith(("_until", "expires_at")):
            value = f"t.{column} - (b.c %% 1000) * interval '{SECONDS} seconds'".replace("%%", "%")
        columns.append(column)
        values.append(value)
    if chain and any(value.startswith(("p.", "coalesce(")) and "p." in value for value in values):
        joins.insert(
            0,
            "JOIN bench_people AS home ON home.id = t.customer_id"
            " JOIN bench_people AS p ON p.i = (home.i * 7 + b.e * 13 + t.id) % (SELECT count(*) FROM bench_people)",
        )
    listed, made = ", ".join(f'"{column}"' for column in columns), ", ".join(values)
    return f"INSERT INTO {table} ({listed}) SELECT {made} FROM from_{table} AS t CROSS JOIN {copies} AS b {' '.join(joins)} WHERE {which}"


def letters(number: str) -> str:
    """Return SQL for nine letters as public ids have, different for every number: multiplied by what has no divisor in common with 30^9."""
    size = len(ALPHABET)
    mixed = f"({number} * 461168601847 % {size**9})"
    return " || ".join(f"substr('{ALPHABET}', ({mixed} / {size**place} % {size})::int + 1, 1)" for place in range(9))


def key_of(table: str) -> str:
    return "customer_id" if table == "customers_searchkeys" else "id"


def one(cursor: Any, text: str) -> int:
    cursor.execute(text)
    return int(cursor.fetchone()[0])
