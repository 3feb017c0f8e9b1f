"""The pages of every day, each with who opens it and what is opened on it: what axe and the pictures go through.

An address names records in braces (`{customer}`); `Places` of a house fill them in. Nothing here depends on a language.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Opening = Callable[[Any], None]


@dataclass(frozen=True)
class Stop:
    """One page in one state.

    :ivar who: a person of the town; nobody when empty
    :ivar open: what is done on the page before it is looked at; must leave nothing behind
    :ivar every_day: looked at by the quick tour too, not only by the whole one
    :ivar phone: there on a telephone too
    """

    who: str
    address: str
    open: Opening | None = None
    name: str = ""
    every_day: bool = True
    phone: bool = True
    status: int = 200

    def path(self, places: Mapping[str, str]) -> str:
        return self.address.format(**places)

    def __str__(self) -> str:
        return f"{self.who or 'visitor'} {self.address}{f' ({self.name})' if self.name else ''}"


def dialog(fetched: str, *, within: str = "dialog[open]") -> Opening:
    """Open the dialog whose button asks for an address that contains `fetched`."""

    def do(page: Any) -> None:
        page.locator(f"main [hx-get*='{fetched}']:visible").first.click()
        page.locator(f"{within} form, {within} .card-body, {within} p").first.wait_for()

    return do


def keys(*pressed: str, shown: str) -> Opening:
    def do(page: Any) -> None:
        for key in pressed:
            page.keyboard.press(key)
        page.locator(shown).first.wait_for()

    return do


def promise(page: Any) -> None:
    """Take the case, if it is not held yet, and say that the customer promises: it stays the caller's own."""
    if page.locator("main form[action$='/claim/']").count():
        page.locator("main form[action$='/claim/'] button").click()
    page.locator("#contact-title").wait_for()
    page.locator("main input[name=outcome][value=promise]").check()
    page.locator("[data-promise]:visible").wait_for()


def pick_rows(page: Any) -> None:
    page.locator("main tbody input[name=row]").first.check()
    page.locator("#bulk [data-picked]").wait_for()


def bulk_dialog(page: Any) -> None:
    pick_rows(page)
    page.locator("#bulk button:visible").first.click()
    page.locator("dialog[open] form").first.wait_for()


def search(page: Any) -> None:
    page.keyboard.press("Control+k")
    page.locator("dialog[open] input[type=search], dialog[open] input[type=text]").first.fill("王小")
    page.locator("dialog[open] [role=option], dialog[open] li, dialog[open] p").first.wait_for()


def refused(page: Any) -> None:
    """Send a form with nothing that could pass."""
    page.fill("#id_name", "x")
    page.fill("#id_id_number", "1")
    page.fill("#id_mobile", "1")
    page.click("main form.card button[type=submit]")
    page.locator(".form-errors").wait_for()


STOPS = (
    Stop("", "/accounts/login/"),
    Stop("", "/o/{link}/"),
    Stop("", "/invitations/{invitation}/"),
    # loan officer
    Stop("officer", "/"),
    Stop("officer", "/", search, "search"),
    Stop("officer", "/tasks/"),
    Stop("officer", "/notices/", every_day=False),
    Stop("officer", "/customers/"),
    Stop("officer", "/customers/", dialog("/conditions/"), "filter builder"),
    Stop("officer", "/customers/", dialog("/columns/"), "columns", every_day=False),
    Stop("officer", "/customers/?channel=branch", dialog("/views/"), "save a view"),
    Stop("officer", "/customers/new/", every_day=False),
    Stop("officer", "/customers/new/", refused, "refused"),
    Stop("officer", "/customers/{customer}/"),
    Stop("officer", "/customers/{customer}/", dialog("/reveal/"), "reveal", every_day=False),
    Stop("officer", "/customers/{customer}/", dialog("/relations/add/"), "relation", every_day=False),
    Stop("officer", "/customers/{customer}/", dialog("/documents/add/"), "paper", every_day=False),
    Stop("officer", "/customers/{customer}/", dialog("/activities/plan/"), "task"),
    Stop("officer", "/customers/{customer}/edit/", every_day=False),
    Stop("officer", "/applications/"),
    Stop("officer", "/applications/board/"),
    Stop("officer", "/applications/new/?customer={customer}"),
    Stop("officer", "/applications/{draft}/", every_day=False),
    Stop("officer", "/applications/{offered}/", every_day=False),
    Stop("officer", "/offers/{offer}/"),
    Stop("officer", "/loans/"),
    Stop("officer", "/loans/{loan}/"),
    Stop("officer", "/loans/{loan}/payoff/", every_day=False),
    Stop("officer", "/payoffs/{payoff}/"),
    Stop("officer", "/loans/{loan}/repay/", every_day=False),
    # underwriter
    Stop("reviewer", "/"),
    Stop("reviewer", "/applications/review/"),
    Stop("reviewer", "/applications/{referred}/"),
    Stop("reviewer", "/applications/{countered}/", every_day=False),
    Stop("reviewer", "/applications/{waiting}/", every_day=False),
    Stop("reviewer", "/underwriting/overrides/", every_day=False),
    # collector
    Stop("second_collector", "/", every_day=False),
    Stop("second_collector", "/collections/desk/"),
    Stop("second_collector", "/collections/desk/", dialog("/skip/"), "skip", every_day=False),
    Stop("caller", "/collections/cases/{held}/", every_day=False),
    Stop("caller", "/collections/cases/{held}/", promise, "promise"),
    Stop("caller", "/collections/promises/"),
    Stop("caller", "/collections/promises/calendar/", every_day=False),
    Stop("caller", "/collections/promises/{promise}/", every_day=False),
    # collections supervisor
    Stop("supervisor", "/", every_day=False),
    Stop("supervisor", "/collections/board/"),
    Stop("supervisor", "/collections/results/"),
    Stop("supervisor", "/collections/cases/"),
    Stop("supervisor", "/collections/cases/", bulk_dialog, "assign", phone=False),
    Stop("supervisor", "/collections/cases/{case}/", every_day=False),
    Stop("supervisor", "/collections/cases/{case}/assign/", every_day=False),
    # loan operations
    Stop("operations", "/", every_day=False),
    Stop("operations", "/payments/"),
    Stop("operations", "/payments/{receipt}/"),
    Stop("operations", "/payments/files/", every_day=False),
    Stop("operations", "/payments/files/{bank_file}/", every_day=False),
    Stop("operations", "/refunds/", every_day=False),
    Stop("operations", "/messages/"),
    Stop("operations", "/messages/{message}/", every_day=False),
    Stop("operations", "/message-templates/", every_day=False),
    Stop("operations", "/message-templates/{template}/", every_day=False),
    Stop("operations", "/credit/dashboard/"),
    Stop("operations", "/credit/close/", every_day=False),
    Stop("operations", "/products/", every_day=False),
    # the house
    Stop("admin", "/", every_day=False),
    Stop("admin", "/admin/users/"),
    Stop("admin", "/admin/users/new/", every_day=False),
    Stop("admin", "/admin/users/{user}/"),
    Stop("admin", "/admin/roles/"),
    Stop("admin", "/admin/roles/collector/", every_day=False),
    Stop("admin", "/admin/roles/collector/beside/underwriter/", every_day=False),
    Stop("admin", "/admin/roles/new/", every_day=False),
    Stop("admin", "/admin/duties/", every_day=False),
    Stop("admin", "/admin/duties/new/", every_day=False),
    Stop("admin", "/admin/teams/", every_day=False),
    Stop("admin", "/admin/teams/new/", every_day=False),
    Stop("admin", "/admin/users/{user}/leave/", every_day=False),
    Stop("admin", "/admin/changes/", every_day=False),
    Stop("admin", "/admin/clients/", every_day=False),
    Stop("admin", "/admin/clients/new/", every_day=False),
    Stop("admin", "/admin/keys/", every_day=False),
    Stop("admin", "/admin/keys/rotate/", every_day=False),
    Stop("admin", "/account/", every_day=False),
    Stop("admin", "/account/app/", every_day=False),
    Stop("admin", "/account/passkeys/new/", every_day=False),
    Stop("admin", "/accounts/password/", every_day=False),
    Stop("admin", "/governance/reviews/new/", every_day=False),
    Stop("admin", "/governance/catalogue/", every_day=False),
    Stop("admin", "/governance/catalogue/customers.customer/", every_day=False),
    Stop("admin", "/delegations/", every_day=False),
    Stop("officer", "/delegations/new/", every_day=False),
    Stop("officer", "/emergency/", every_day=False),
    Stop("officer", "/reach/customer/{customer}/", every_day=False),
    Stop("admin", "/admin/jobs/", every_day=False),
    Stop("admin", "/handovers/", every_day=False),
    Stop("admin", "/handovers/new/", every_day=False),
    Stop("admin", "/handovers/{handover}/", every_day=False),
    Stop("auditor", "/", every_day=False),
    Stop("auditor", "/ledger/", every_day=False),
    Stop("auditor", "/governance/rules/", every_day=False),
    Stop("auditor", "/openings/", every_day=False),
    Stop("auditor", "/governance/emergencies/", every_day=False),
    Stop("auditor", "/governance/reviews/", every_day=False),
    Stop("auditor", "/governance/exports/", every_day=False),
    Stop("auditor", "/governance/proof/"),
    Stop("auditor", "/customers/new/", name="forbidden", status=403),
    Stop("analyst", "/", every_day=False),
    Stop("analyst", "/risk/decisions/", every_day=False),
    Stop("analyst", "/risk/models/", every_day=False),
    Stop("analyst", "/risk/strategies/", every_day=False),
)


def by_person(stops: Iterable[Stop]) -> dict[str, list[Stop]]:
    """Return the stops by who makes them, in order: one browser context serves each."""
    found: dict[str, list[Stop]] = {}
    for stop in stops:
        found.setdefault(stop.who, []).append(stop)
    return found
