"""The main job once, from outside: a REST client and a collector's browser, over HTTP only."""

import re
import time
import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from html import unescape
from random import Random
from typing import Any
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import requests

from crm.demo import people, staff

PRODUCT = "CASH-12"

PATIENCE = 60.0  # seconds the worker may take with one application
GOOD = {
    "checking_status": "no_account", "credit_history": "critical_or_other_credits", "savings": "unknown_or_none",
    "employment": "7_years_or_more", "installment_rate": 2, "other_debtors": "none", "residence_years": 4,
    "property": "real_estate", "other_plans": "none", "housing": "own", "existing_credits": 1, "job": "skilled",
    "dependents": 1, "telephone": True,
}  # fmt: skip


class Failed(Exception):
    """A step did not give what it promises."""


class Client:
    """A REST client with a token; every answer must have the status that is expected."""

    def __init__(self, url: str) -> None:
        self.url, self.session = url, requests.Session()

    def sign_in(self) -> str:
        answer = self.session.post(
            urljoin(self.url, "/api/oauth/token/"),
            data={"grant_type": "client_credentials"},
            auth=(staff.CLIENT_ID, staff.CLIENT_SECRET),
            timeout=30,
        )
        expect(answer, 200)
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return f"scopes {answer.json()['scope']}"

    def get(self, path: str, **query: str) -> Any:
        answer = self.session.get(urljoin(self.url, f"/api/v1/{path}"), params=query, timeout=30)
        expect(answer, 200)
        return answer.json()

    def post(self, path: str, body: dict[str, Any], *, status: int = 201, key: str = "") -> Any:
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        answer = self.session.post(urljoin(self.url, f"/api/v1/{path}"), json=body, headers=headers, timeout=30)
        expect(answer, status)
        return answer.json()


class Browser:
    """A person with a session: signs in, opens pages, sends forms."""

    def __init__(self, url: str) -> None:
        self.url, self.session = url, requests.Session()
        self.session.headers["Accept-Language"] = "en"

    def sign_in(self, username: str) -> None:
        self.send("/accounts/login/", {"login": username, "password": staff.PASSWORD})
        if "/accounts/login/" in self.page("/").url:
            raise Failed(f"{username} could not sign in")

    def page(self, path: str, **headers: str) -> requests.Response:
        answer = self.session.get(urljoin(self.url, path), headers=headers, timeout=30)
        expect(answer, 200)
        return answer

    def send(self, path: str, values: dict[str, str], *, on: str = "") -> requests.Response:
        """Send a form that stands on page `on` (or at `path`) with the tokens that page carries."""
        source = self.page(on or path).text
        hidden = {
            name: unescape(value)
            for name in ("csrfmiddlewaretoken", "form_key", "version")
            if (value := hidden_value(source, name)) is not None
        }
        address = urljoin(self.url, path)
        answer = self.session.post(address, data=hidden | values, headers={"Referer": address}, timeout=30)
        expect(answer, 200)
        return answer


def hidden_value(source: str, name: str) -> str | None:
    """Return the value of the first hidden input of that name in a page."""
    for tag in re.findall(r"<input[^>]*>", source):
        if f'name="{name}"' in tag and (found := re.search(r'value="([^"]*)"', tag)):
            return found[1]
    return None


def expect(answer: requests.Response, status: int) -> None:
    if answer.status_code != status:
        text = " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())
        raise Failed(f"{answer.request.method} {answer.url}: {answer.status_code} instead of {status}: {text[:400]}")


def must(condition: bool, sentence: str) -> None:
    if not condition:
        raise Failed(sentence)


class Path:
    """The steps, in order; each returns what it found, in a few words."""

    def __init__(self, url: str, *, business_date: date, zone: str, close: Callable[[date], None]) -> None:
        self.api, self.desk = Client(url), Browser(url)
        self.day, self.zone, self.close = business_date, ZoneInfo(zone), close
        self.seen: dict[str, Any] = {}

    @property
    def noon(self) -> str:
        return datetime.combine(self.day, clock(12), tzinfo=self.zone).isoformat()

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        return [
            ("the client gets a token", self.api.sign_in),
            ("a customer gets a file, masked", self.customer),
            ("the customer consents to a bureau query", self.consent),
            ("an application is entered and submitted", self.application),
            ("a worker evaluates it, with reasons", self.verdict),
            ("the offer carries its cost table", self.offer),
            ("without confirmation nothing is booked", self.unconfirmed),
            ("confirmed and accepted, the loan is booked once", self.loan),
            ("a repayment is received once", self.repayment),
            ("business dates close until an instalment is late", self.overdue),
            ("a collector finds the case, confirms the person, logs the call", self.case),
            ("paid up, the case closes", self.cured),
        ]

    def customer(self) -> str:
        serial = Random().randrange(10_000_000, 90_000_000)  # noqa: S311  a draw, no secret
        rng = Random(serial)  # noqa: S311
        person = people.identity(serial, age=38, branch="SH", on=self.day, rng=rng)
        body = {
            "name": person.name, "id_number": person.id_number, "mobile": person.mobile, "bank_card": person.bank_card,
            "address": person.address, "employer": person.employer, "income": "15000.00", "monthly_debt": "0.00",
        }  # fmt: skip
        key = str(uuid.uuid4())
        made = self.api.post("customers/", body, key=key)
        again = self.api.post("customers/", body, key=key)
        must(made["id"] == again["id"], "the same key opened two files")
        must(person.mobile not in str(made) and person.id_number not in str(made), "a value came back in clear")
        self.seen["customer"], self.seen["person"] = made["id"], person
        return f"{made['id']} {made['mobile']}"

    def consent(self) -> str:
        made = self.api.post(f"customers/{self.seen['customer']}/consents/", {"purpose": "bureau_query"})
        return f"text {made['text_version']}"

    def application(self) -> str:
        product = next(row for row in self.api.get("products/")["results"] if row["code"] == PRODUCT)
        body = {
            "customer": self.seen["customer"], "product": product["code"], "amount": "6000.00", "term": 6,
            "purpose": "radio_television", "stated": GOOD, "at": self.noon,
        }  # fmt: skip
        made = self.api.post("applications/", body)
        self.seen["application"] = made["id"]
        self.api.post(f"applications/{made['id']}/submit/", {"at": self.noon}, status=200)
        return f"{made['id']} for 6,000.00 over 6 months"

    def verdict(self) -> str:
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE:
            found = self.api.get(f"applications/{self.seen['application']}/")
            if found["status"] not in ("submitted", "evaluating", "approved"):
                must(found["status"] == "offered", f"the application is {found['status']}: {found.get('reasons')}")
                return f"offered after {time.monotonic() - began:.1f} s"
            time.sleep(0.2)
        raise Failed(f"no verdict after {PATIENCE:.0f} s: is the worker alive?")

    def offer(self) -> str:
        offer = self.api.get("offers/", application=self.seen["application"])["results"][0]
        table = offer["cost_table"]
        must(bool(table["items"]) and bool(table["no_other_charge"]), "the cost table lacks its items")
        must(sum(Decimal(row["principal"]) for row in offer["schedule"]) == Decimal(offer["amount"]), "the schedule does not add up")
        self.seen["offer"] = offer
        return f"{offer['id']}: {table['annualised']['nominal']} nominal, {table['annualised']['effective']} effective"

    def unconfirmed(self) -> str:
        problem = self.api.post(f"offers/{self.seen['offer']['id']}/accept/", {"at": self.noon}, status=409)
        return str(problem["code"])

    def loan(self) -> str:
        offer = self.seen["offer"]
        confirm = {"cost_hash": offer["cost_hash"], "seconds": 30, "at": self.noon}
        self.api.post(f"offers/{offer['id']}/confirm/", confirm, status=200)
        key = str(uuid.uuid4())
        loan = self.api.post(f"offers/{offer['id']}/accept/", {"at": self.noon}, key=key)
        again = self.api.post(f"offers/{offer['id']}/accept/", {"at": self.noon}, key=key)
        must(loan["id"] == again["id"], "the same key booked two loans")
        self.seen["loan"] = loan["id"]
        return f"{loan['id']}, {loan['principal']} paid out in full"

    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.api.get(f"loans/{self.seen['loan']}/schedule/")["installments"]
        return rows

    def repayment(self) -> str:
        first = self.rows()[0]
        key, body = str(uuid.uuid4()), {"loan": self.seen["loan"], "amount": "100.00", "at": self.noon}
        self.api.post("repayments/", body, key=key)
        self.api.post("repayments/", body, key=key)
        self.api.post("repayments/", body | {"amount": "200.00"}, key=key, status=409)
        paid = sum(Decimal(self.rows()[0][part]) - Decimal(first[part]) for part in PARTS)
        must(paid == 100, f"{paid} was allocated instead of 100.00")
        received = self.api.get("repayments/", loan=self.seen["loan"])["results"]
        must(len(received) == 1, "the repayment was received twice")
        return f"100.00 of the first instalment, due {first['due_on']}; another body under its key was refused"

    def overdue(self) -> str:
        due = date.fromisoformat(self.rows()[0]["due_on"])
        until = due + timedelta(days=10)
        self.close(until)
        self.day = until + timedelta(days=1)
        loan = self.api.get(f"loans/{self.seen['loan']}/")
        must(loan["dpd"] == 10, f"{loan['dpd']} days past due instead of 10")
        return f"closed to {until}: {loan['dpd']} dpd, bucket {loan['bucket']}"

    def case(self) -> str:
        self.desk.sign_in("collector")
        panel = f"/customers/{self.seen['customer']}/panels/cases/"
        began = time.monotonic()
        while not (found := re.search(r"/collections/cases/(K-[0-9A-Z]+)/", self.desk.page(panel).text)):
            must(time.monotonic() - began < PATIENCE, "no case was opened")
            time.sleep(0.5)
        case = self.seen["case"] = found[0]
        self.desk.send(f"{case}claim/", {}, on=case)
        tomorrow = self.day + timedelta(days=1)
        person: people.Identity = self.seen["person"]
        answers = {"id_last4": person.id_number[-4:], "birth_year": person.id_number[6:10]}
        checked = self.desk.send(f"{case}check/", answers, on=case)
        must("Confirmed." in checked.text, "the right answers did not confirm the person")
        while left := re.search(
            r'name="script" value="(SP-[0-9A-Z]+)"><input type="hidden" name="code" value="(l\d+)"', self.desk.page(case).text
        ):
            self.desk.send(f"{case}say/", {"script": left[1], "code": left[2]}, on=case)
        # the customer calls: nobody may be called at night, and this path is walked at any hour
        logged = self.desk.send(
            f"{case}contacts/",
            {"channel": "inbound", "outcome": "right_party", "next_action": "call", "next_action_on": tomorrow.isoformat()},
            on=case,
        )
        must(logged.status_code == 200, "the contact was not logged")
        return found[1]

    def cured(self) -> str:
        late = [row for row in self.rows() if date.fromisoformat(row["due_on"]) < self.day]
        owed = sum(Decimal(row["outstanding"]) for row in late)
        self.api.post("repayments/", {"loan": self.seen["loan"], "amount": str(owed), "at": self.noon})
        began = time.monotonic()
        while "Closed" not in self.desk.page(self.seen["case"]).text:
            must(time.monotonic() - began < PATIENCE, "the case is still open")
            time.sleep(0.5)
        return f"{owed} received with penalty, case closed as cured"


PARTS = ("principal_paid", "interest_paid", "penalty_paid", "fee_paid")
