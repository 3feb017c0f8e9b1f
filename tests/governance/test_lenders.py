"""What letters say of the lender: changed by an administrator, whole or not at all."""

from typing import Any

import pytest

from crm.lib.errors import Invalid, Stale
from governance import lenders
from governance.models import LegalEntity
from ledger.models import Entry
from tests.fixtures.cast import NOON, Cast

SAID = {"name_en": "Lender", "name_zh": "机构", "seat_en": "8 Road", "seat_zh": "示范路8号", "telephone": "021-5550 0100"}


def change(cast: Cast, **values: Any) -> LegalEntity:
    return lenders.change(cast.entity, **(SAID | {"version": cast.entity.version} | values), actor=cast.admin, at=NOON)


def test_a_change_is_on_record_and_the_same_again_is_none(cast: Cast) -> None:
    found = change(cast, telephone=" 021-5550  0100 ")
    assert (found.telephone, found.seat_zh, found.version) == ("021-5550 0100", "示范路8号", cast.entity.version + 1)
    lenders.change(found, **SAID, version=found.version, actor=cast.admin, at=NOON)
    assert Entry.objects.filter(event="governance.lender.changed").count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"telephone": "call us"}, "telephone"),
        ({"telephone": "12"}, "telephone"),
        ({"seat_en": ""}, "seat_en"),
        ({"seat_zh": " "}, "seat_zh"),
    ],
)
def test_what_cannot_be_on_a_letter_is_named(cast: Cast, values: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        change(cast, **values)
    assert field in refused.value.fields
    assert LegalEntity.objects.get(pk=cast.entity.pk).telephone == ""


def test_the_second_of_two_is_told(cast: Cast) -> None:
    change(cast)
    with pytest.raises(Stale):
        lenders.change(cast.entity, **SAID | {"telephone": "021-5550 0101"}, version=cast.entity.version, actor=cast.admin, at=NOON)


def test_the_page_keeps_what_was_typed(cast: Cast, page_of: Any) -> None:
    browser, url = page_of(cast.admin), f"/admin/lenders/{cast.entity.code}/"
    assert url in browser.get("/admin/teams/").text
    wrong = browser.post(url, SAID | {"telephone": "call us", "version": cast.entity.version})
    assert wrong.status_code == 422 and "call us" in wrong.text
    assert browser.post(url, SAID | {"version": cast.entity.version}).status_code == 303
    assert "021-5550 0100" in browser.get("/admin/teams/").text
    stale = browser.post(url, SAID | {"telephone": "021-5550 0101", "version": cast.entity.version})
    assert stale.status_code == 409 and "021-5550 0101" in stale.text
