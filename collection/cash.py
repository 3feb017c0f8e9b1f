"""What counts as money that came in on a debt, wherever collections sums it: promises, figures, experiments, scores.

A reversal takes back what it reverses. Only that of money takes money back: a write-off or a waiver that is reversed brought none.
"""

from django.db.models import Q

from credit.models import Transaction

BRINGS = (Transaction.Kind.REPAYMENT, Transaction.Kind.PREPAYMENT)


def came(way: str = "") -> Q:
    """Return the condition on transactions, reached by `way` such as "loan__transactions__", that brought money or took it back."""
    reversal = {f"{way}kind": Transaction.Kind.REVERSAL, f"{way}reverses__kind__in": BRINGS}
    return Q(**{f"{way}kind__in": BRINGS}) | Q(**reversal)


def came_sql(alias: str) -> str:
    """Return the same condition for a statement in which `alias` is the table of transactions."""
    kinds = ", ".join(f"'{kind}'" for kind in BRINGS)
    back = f"SELECT FROM credit_transaction AS b WHERE b.id = {alias}.reverses_id AND b.kind IN ({kinds})"
    return f"({alias}.kind IN ({kinds}) OR {alias}.kind = 'reversal' AND EXISTS ({back}))"
