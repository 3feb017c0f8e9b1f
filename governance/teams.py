"""Doors for the branch tree."""

from datetime import datetime

from django.db import transaction

from governance.models import LegalEntity, Team, User
from ledger import log


@transaction.atomic
def create(
    *,
    legal_entity: LegalEntity,
    code: str,
    name_en: str,
    name_zh: str,
    kind: str,
    parent: Team | None,
    actor: User | None,
    at: datetime,
) -> Team:
    """Add a node below `parent`; its path is its parent's and its own id."""
    team = Team.objects.create(legal_entity=legal_entity, code=code, name_en=name_en, name_zh=name_zh, kind=kind, parent=parent)
    team.path = f"{parent.path if parent else '/'}{team.pk}/"
    team.save(update_fields=["path"])
    log.record("governance.team.created", team, actor=actor, at=at, code=code)
    return team
