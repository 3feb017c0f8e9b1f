"""Whether a debtor may be contacted now, by which rule: the one place where collections asks."""

from datetime import datetime

from collection.models import Case
from governance.models import User


def ask(case: Case, *, channel: str, actor: User, at: datetime) -> None:
    """Return when the contact may be made; what the contact policy refuses is raised as its own refusal.

    :raises DomainError: if a rule forbids the contact now
    """
