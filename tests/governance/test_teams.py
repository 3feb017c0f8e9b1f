"""The branch tree: a path from the root to each node."""

import pytest
from django.db import IntegrityError, transaction

from governance import teams
from governance.models import Team
from tests.fixtures.cast import NOON, Cast


def test_a_path_is_the_parents_and_the_own_id(cast: Cast) -> None:
    assert cast.head.path == f"/{cast.head.pk}/"
    assert cast.east.path == f"/{cast.head.pk}/{cast.east.pk}/"
    assert cast.east_team.path == f"/{cast.head.pk}/{cast.east.pk}/{cast.east_team.pk}/"


def test_a_code_is_used_once_by_a_lender(cast: Cast) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        teams.create(
            legal_entity=cast.entity, code="EAST", name_en="x", name_zh="x", kind=Team.Kind.TEAM, parent=cast.head,
            actor=cast.admin, at=NOON,
        )  # fmt: skip
