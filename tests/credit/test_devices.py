"""The device an application came from: what is kept, what it says of one device behind many, when it is forgotten."""

from datetime import timedelta
from typing import Any

import pytest

from credit import devices, known_facts, tasks
from credit.devices import Device
from credit.models import ApplicationDevice
from crm.lib.errors import Invalid
from governance.models import Rule
from ledger import log
from ledger.models import Entry
from risk import feature_values, lists
from tests.credit.conftest import Desk
from tests.fixtures.cast import NOON

pytestmark = pytest.mark.django_db
PHONE = Device("a-device-of-mine", "Mozilla/5.0 (iPhone) MicroMessenger/8.0", "zh-CN", "Asia/Shanghai", "203.0.113.77")


def test_only_keyed_fingerprints_are_kept(desk: Desk) -> None:
    application = desk.draft(device=PHONE)
    kept = ApplicationDevice.objects.values().get(application=application)
    assert not {"a-device-of-mine", "203.0.113.77", "203.0.113"} & {str(value) for value in kept.values()}
    assert (kept["family"], kept["language"], kept["time_zone"], kept["zone_differs"]) == ("wechat", "zh-CN", "Asia/Shanghai", False)
    same, other = (desk.draft(device=Device("x" * 8, ip=ip)).device for ip in ("203.0.113.5", "203.0.114.5"))
    assert (same.network_key == kept["network_key"], other.network_key == kept["network_key"]) == (True, False)


@pytest.mark.parametrize("wrong", [
    Device("abc"), Device("a-device", language="Chinese!"), Device("a-device", time_zone="Mars/Base"), Device("a-device", ip="300.1.1.1"),
])  # fmt: skip
def test_what_cannot_be_is_refused_and_no_application_stays(desk: Desk, wrong: Device) -> None:
    with pytest.raises(Invalid) as refusal:
        desk.draft(device=wrong)
    assert list(refusal.value.fields) == ["device"]
    assert not ApplicationDevice.objects.exists()


@pytest.mark.parametrize(("words", "family"), [
    ("", ""), ("okhttp/4.9", "android_app"), ("Mozilla/5.0 Chrome/120 Safari/537 Edg/120", "edge"), ("Mozilla/5.0 Chrome/120 Safari/537", "chrome"),
    ("App/1 CFNetwork/1 Darwin/22", "ios_app"), ("curl/8", "other"),
])  # fmt: skip
def test_families(words: str, family: str) -> None:
    assert devices.family_of(words) == family


@pytest.mark.parametrize(("ip", "network"), [("", ""), ("203.0.113.77", "203.0.113.0/24"), ("2001:db8:1:2::1", "2001:db8:1::/48")])
def test_an_address_loses_its_last_part(ip: str, network: str) -> None:
    assert devices.network_of(ip) == network


def test_one_device_behind_many_is_told_to_the_strategy_as_to_models(desk: Desk) -> None:
    for days in (100, 40, 20):
        desk.draft(device=PHONE, at=NOON - timedelta(days=days), customer=desk.make_customer(at=NOON - timedelta(days=101)))
    mine = desk.draft(device=Device(PHONE.fingerprint, time_zone="Europe/Berlin"))
    facts = known_facts.of(mine, at=NOON).facts
    assert (facts["shared_device"], facts["device_applications_30d"], facts["device_zone_differs"]) == (2, 1, True)
    values: dict[str, Any] = feature_values.online(mine.customer_id, as_of=NOON)
    assert (values["customers_of_device_90d"], values["applications_of_device_30d"], values["newest_device_zone_differs"]) == (3, 2, True)
    assert dict(feature_values.bulk(as_of=NOON))[mine.customer_id] == values
    before = feature_values.online(mine.customer_id, as_of=NOON - timedelta(seconds=1))
    assert before["customers_of_device_90d"] is None, "the device was not known before"


def test_without_a_device_the_strategy_is_told_of_none(desk: Desk) -> None:
    facts = known_facts.of(desk.draft(), at=NOON).facts
    assert not {"shared_device", "device_applications_30d", "device_zone_differs"} & set(facts)


def test_a_listed_device_is_found_by_its_key(desk: Desk) -> None:
    told = {"list": "grey", "what": "device", "value": "A-Device of mine", "reason": "Seen in a ring", "source": "own"}
    lists.put(lists.checked(**told, at=NOON), actor=desk.cast.risk_manager, at=NOON)
    assert known_facts.of(desk.draft(device=PHONE), at=NOON).facts["listed_grey"] is True
    assert known_facts.of(desk.draft(device=Device("another-device")), at=NOON).facts["listed_grey"] is False


def test_devices_are_forgotten_after_the_days_of_the_rule(desk: Desk) -> None:
    desk.draft(device=PHONE)
    assert devices.forget(at=NOON + timedelta(days=365)) == 0
    assert devices.forget(at=NOON + timedelta(days=366)) == 1
    desk.draft(device=PHONE)
    Rule.objects.filter(code=devices.KEPT).update(value=30)
    assert devices.forget(at=NOON + timedelta(days=31)) == 1


def test_the_api_takes_a_device(desk: Desk, api_of: Any) -> None:
    customer, other = (desk.make_customer(channel="api", actor=desk.cast.service, owner=desk.cast.service) for _ in range(2))
    body = {
        "customer": customer.public_id, "product": desk.product.code, "amount": "6000.00", "term": 12, "purpose": "car_used",
        "device": {"fingerprint": "a-device-of-mine", "time_zone": "Asia/Tokyo", "ip": "203.0.113.77"},
    }  # fmt: skip
    answer = api_of().post("/api/v1/applications/", body, format="json")
    assert answer.status_code == 201, answer.content
    assert ApplicationDevice.objects.get().zone_differs is True
    wrong = api_of().post("/api/v1/applications/", body | {"customer": other.public_id, "device": {"fingerprint": "abcdef", "ip": "x"}}, format="json")  # fmt: skip
    assert (wrong.status_code, "device" in wrong.json()["errors"]) == (422, True), wrong.content


def test_an_erased_person_leaves_no_device(desk: Desk) -> None:
    mine, other = desk.draft(device=PHONE), desk.draft(device=PHONE)
    entry = log.record("customers.customer.erased", mine.customer, actor=desk.cast.compliance, at=NOON)
    tasks.forget_erased(entry=Entry.objects.get(pk=entry))
    assert list(ApplicationDevice.objects.values_list("application", flat=True)) == [other.pk]
