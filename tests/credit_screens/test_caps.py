"""Pages of caps, the simulator and the self-test."""

from datetime import timedelta
from typing import Any

from django.urls import reverse

from credit import caps, published
from credit.models import RateCap
from governance.models import ChangeRequest
from tests.fixtures.cast import NOON

KEY = "11111111-1111-4111-8111-111111111111"


def form(**changed: Any) -> dict[str, Any]:
    return {
        "form_key": KEY, "name_en": "Total cost", "name_zh": "综合融资成本", "value": "20%", "basis": "nominal", "per": "loan", "binding": "on",
        "counts": ["fee", "penalty"], "citation": "some text", "verification": "unverified", "effective_from": "2030-01-01", "effective_to": "",
        "reason": "guidance",
    } | changed  # fmt: skip


def test_a_cap_is_proposed_in_the_browser_and_confirmed_by_another(desk: Any, page_of: Any) -> None:
    cap = caps.newest("cost.loan")
    maker = page_of(desk.cast.risk_manager)
    wrong = maker.post(f"/products/caps/{cap.public_id}/", form(value="x", effective_from="2025-01-01"))
    assert wrong.status_code == 422
    assert "guidance" in wrong.text
    assert maker.post(f"/products/caps/{cap.public_id}/", form(effective_from="2025-01-01")).status_code == 422
    done = maker.post(f"/products/caps/{cap.public_id}/", form())
    assert done.status_code == 303
    change = ChangeRequest.objects.get(kind=caps.KIND)
    assert "20.00%" in page_of(desk.cast.compliance).get(reverse("change", args=[change.public_id])).text
    assert change.public_id in maker.get("/products/caps/").text
    answer = page_of(desk.cast.compliance).post(
        reverse("change-answer", args=[change.public_id]), {"do": "confirm", "answer": "", "form_key": "k"}
    )
    assert answer.status_code in (200, 303)
    assert RateCap.objects.get(code="cost.loan", effective_from="2030-01-01").counts == ["fee", "penalty"]
    page = maker.get("/products/caps/").text
    assert "2030-01-01" in page
    assert page_of(desk.cast.loan_officer).get("/products/caps/new/").status_code == 403


def test_the_simulator_says_what_another_cap_would_refuse_and_saves_nothing(
    desk: Any, page_of: Any, django_assert_max_num_queries: Any
) -> None:
    from django.utils.timezone import now

    offer = desk.offer(at=now())
    client = page_of(desk.cast.loan_officer)
    plain = client.get("/products/caps/simulator/")
    assert plain.context["failing"] == 0
    assert (plain.context["standing"].number, plain.context["standing"].failing) == (1, 0)
    with django_assert_max_num_queries(18):
        lower = client.get("/products/caps/simulator/?value=15&basis=effective&counts=fee&counts=penalty")
    standing = lower.context["standing"]
    # 10.8 % × 1.5 compounds to 17.5 %: even the best grade breaks 15 % effective after default
    assert lower.context["failing"] == lower.context["tried"]
    assert (standing.number, standing.failing, standing.amount) == (1, 1, offer.amount)
    assert standing.furthest > offer.effective_rate
    assert "after default" in lower.text
    without = client.get("/products/caps/simulator/?value=15&basis=nominal")
    assert 0 < without.context["failing"] < without.context["tried"]
    assert without.context["standing"].failing == (offer.nominal_rate > caps.Decimal("0.15"))
    assert client.get("/products/caps/simulator/?value=abc&basis=nominal").status_code == 422
    assert caps.newest("cost.loan").value == caps.Decimal("0.24")


def test_the_simulator_narrows_to_the_caps_scope(desk: Any) -> None:
    from credit import cap_simulator
    from credit.models import Offer, Product

    offer = desk.offer()
    cap = RateCap(value=caps.Decimal("0.01"), basis="nominal", products=["OTHER"], counts=[])
    on = NOON.date() + timedelta(days=1)
    assert cap_simulator.lines(cap, Product.objects.all(), held=[], on=on) == []
    assert cap_simulator.standing(cap, Offer.objects.all(), on=on).number == 0
    cap.products, cap.channels = [offer.application.product.code], [offer.application.channel]
    assert cap_simulator.standing(cap, Offer.objects.all(), on=on).failing == 1
    assert cap_simulator.standing(cap, Offer.objects.all(), on=offer.expires_on + timedelta(days=1)).number == 0


def test_the_self_test_computes_every_figure_at_request_time(desk: Any, page_of: Any, monkeypatch: Any) -> None:
    client = page_of(desk.cast.auditor)
    good = client.get("/credit/self-test/")
    assert (good.context["failed"], good.context["number"]) == (0, len(list(published.figures())))
    assert "Appendix J" in good.text
    monkeypatch.setattr("credit.apr.us_apr", lambda *args: caps.Decimal("0.5"))
    assert client.get("/credit/self-test/").context["failed"] == 11
    assert page_of(desk.cast.loan_officer).get("/credit/self-test/").status_code == 403
