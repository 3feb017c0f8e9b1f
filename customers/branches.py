"""What a branch keeps of customers, counted up to a cap: said to the page of teams."""

from collections.abc import Iterable

from django.db import connection
from django.utils.translation import gettext_lazy as _

from governance import teams

CAP = 1_000
# Each count stops at the cap and walks the branch's index: a branch of a million customers costs what one of a thousand does.
COUNTS = """
SELECT team, (SELECT count(*) FROM (SELECT 1 FROM customers_customer WHERE branch_id = team LIMIT %s) AS found)
FROM unnest(%s::bigint[]) AS team
"""


def counts(team_ids: Iterable[int]) -> dict[int, str]:
    """Return how many customers each branch keeps: `7`, `1,000+`."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, [CAP + 1, list(team_ids)])
        return {team: f"{CAP:,}+" if n > CAP else f"{n:,}" for team, n in cursor.fetchall()}


teams.USES.register("customers", teams.Use(label=_("customers"), counts=counts))
