"""Many loans out of one, by SQL: for tests that need a portfolio rather than a case."""

from typing import Any

from django.db import connection

# What a copy may not share with its original, by table.
OWN = {
    "credit_application": {"public_id": "'A-' || lpad(n::text, 9, '0')", "reference": "''"},
    "credit_offer": {"public_id": "'O-' || lpad(n::text, 9, '0')", "application_id": "%(application)s + n"},
    "credit_loan": {
        "public_id": "'L-' || lpad(n::text, 9, '0')",
        "application_id": "%(application)s + n",
        "offer_id": "%(offer)s + n",
    },
}


def multiply(loan: Any, copies: int) -> None:
    """Copy a loan with its application, offer and instalments `copies` times; ids follow the originals'."""
    keys = {"application": loan.application_id, "offer": loan.offer_id, "loan": loan.pk, "copies": copies}
    with connection.cursor() as cursor:
        for table, own in OWN.items():
            name = table.removeprefix("credit_")
            own = {"id": f"%({name})s + n", **own}
            columns = _columns(cursor, table)
            values = ", ".join(own.get(column, f"t.{column}") for column in columns)
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} AS t, generate_series(1, %(copies)s) AS n"
                f" WHERE t.id = %({name})s",
                keys,
            )
        columns = [column for column in _columns(cursor, "credit_installment") if column != "id"]
        values = ", ".join("%(loan)s + n" if column == "loan_id" else f"t.{column}" for column in columns)
        cursor.execute(
            f"INSERT INTO credit_installment ({', '.join(columns)}) SELECT {values}"
            " FROM credit_installment AS t, generate_series(1, %(copies)s) AS n WHERE t.loan_id = %(loan)s",
            keys,
        )


def _columns(cursor: Any, table: str) -> list[str]:
    cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position", [table])
    return [name for (name,) in cursor.fetchall()]
