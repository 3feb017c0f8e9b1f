"""Who may do what: one table of every route, held against real requests of every role.

A route that is not in the table fails; so does a role that gained or lost a permission without a line changed here.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from rest_framework.test import APIClient

from crm.lib.permissions import ALL, scopes
from tests.fixtures.cast import NOON, Cast
from tests.fixtures.support.routes import Route, permissions_of, routes

# --- the table ---------------------------------------------------------------------------------------------------
# permission → the roles that hold it; every other role is refused
WHO = {
    "signed in": "loan_officer underwriter collector collections_supervisor risk_analyst risk_manager service_agent compliance"
    " auditor admin loan_operations api_client",
    "customers.add_customer": "loan_officer api_client",
    "customers.add_note": "loan_officer underwriter collector collections_supervisor service_agent",
    "customers.change_customer": "loan_officer api_client",
    "customers.manage_relation": "loan_officer service_agent api_client",
    "customers.plan_activity": "loan_officer underwriter collector collections_supervisor service_agent api_client",
    "customers.hand_over": "collections_supervisor admin",
    "customers.view_handover": "collections_supervisor admin",
    "customers.record_consent": "loan_officer compliance api_client",
    "customers.manage_message": "collections_supervisor loan_operations",
    "customers.manage_template": "collections_supervisor admin",
    "customers.stop_contact": "collector collections_supervisor service_agent",
    "customers.view_message": "loan_officer collector collections_supervisor service_agent compliance auditor loan_operations",
    "customers.view_template": "collections_supervisor compliance auditor admin loan_operations",
    "customers.reveal_customer": "loan_officer underwriter collector collections_supervisor service_agent",
    "customers.view_customer": "loan_officer underwriter collector collections_supervisor risk_manager service_agent compliance"
    " auditor api_client loan_operations",
    "credit.accept_offer": "loan_officer api_client",
    "credit.add_application": "loan_officer api_client",
    "credit.assign_application": "loan_officer risk_manager loan_operations",
    "credit.close_day": "risk_manager admin loan_operations",
    "credit.decide_application": "underwriter risk_manager",
    "credit.import_application": "loan_officer",
    "credit.record_repayment": "loan_officer collector collections_supervisor api_client loan_operations",
    "credit.submit_application": "loan_officer api_client",
    "credit.view_application": "loan_officer underwriter risk_analyst risk_manager service_agent compliance auditor api_client"
    " loan_operations",
    "credit.view_loan": "loan_officer underwriter collector collections_supervisor risk_manager service_agent compliance auditor"
    " api_client loan_operations",
    "credit.view_product": "loan_officer underwriter risk_analyst risk_manager compliance auditor admin api_client loan_operations",
    "credit.view_suspense": "loan_operations risk_manager compliance auditor",
    "credit.import_payment": "loan_operations",
    "credit.allocate_suspense": "loan_operations",
    "credit.approve_money": "loan_operations risk_manager",
    "credit.quote_payoff": "loan_officer collector collections_supervisor service_agent loan_operations api_client",
    "credit.reverse_repayment": "loan_operations",
    "credit.request_refund": "loan_officer service_agent loan_operations api_client",
    "credit.download_contract": "loan_officer underwriter loan_operations compliance auditor",
    "credit.withdraw_application": "loan_officer api_client",
    "customers.view_document": "loan_officer underwriter risk_manager compliance auditor loan_operations api_client",
    "customers.add_document": "loan_officer underwriter service_agent api_client",
    "customers.check_document": "underwriter risk_manager loan_operations",
    "credit.verify_fact": "loan_officer underwriter risk_manager",
    "credit.clear_condition": "underwriter risk_manager loan_operations",
    "credit.view_override": "underwriter risk_manager risk_analyst compliance auditor",
    "risk.replay_decision": "underwriter risk_analyst risk_manager compliance auditor",
    "risk.view_decision": "loan_officer underwriter risk_analyst risk_manager compliance auditor api_client",
    "risk.view_strategy": "underwriter risk_analyst risk_manager compliance auditor",
    "collections.assign_case": "collections_supervisor",
    "collections.claim_case": "collector collections_supervisor",
    "collections.log_contact": "collector collections_supervisor",
    "collections.view_case": "collector collections_supervisor compliance auditor api_client",
    "collections.export_case": "collections_supervisor compliance auditor",
    "credit.export_application": "risk_manager compliance auditor",
    "credit.export_loan": "risk_manager compliance auditor loan_operations",
    "customers.export_customer": "compliance auditor",
    "governance.share_view": "collections_supervisor underwriter risk_manager compliance loan_operations",
    "governance.manage_user": "admin",
    "governance.set_clock": "loan_operations",  # asked inside doors that are told the moment, by no route of its own
    "governance.view_job": "loan_officer risk_manager auditor admin loan_operations",
    "governance.view_role": "compliance auditor admin",
    "governance.manage_role": "admin",
    "governance.check_role": "compliance",  # asked inside the doors of a change, whose pages show it
    "governance.view_change": "compliance auditor admin",
    "governance.view_rule": "loan_officer underwriter collections_supervisor risk_analyst risk_manager compliance auditor admin"
    " loan_operations",
    "governance.view_user": "collections_supervisor compliance auditor admin",
    "ledger.manage_delivery": "admin",
    "ledger.view_entry": "compliance auditor admin",
}
# method, route, permission
PAGES = [
    ("GET", "home", "signed in"),
    ("GET", "session-back", "signed in"),
    ("POST", "search", "signed in"),
    # a list names its own permission, asked inside; of a list that is none there is nothing to refuse
    ("GET", "list-builder", "signed in"),
    ("POST", "list-builder", "signed in"),
    ("GET", "list-columns", "signed in"),
    ("POST", "list-columns", "signed in"),
    ("GET", "view-save", "signed in"),
    ("POST", "view-save", "signed in"),
    ("POST", "view-change", "signed in"),
    ("POST", "list-bulk", "signed in"),
    ("GET", "list-job", "signed in"),
    ("GET", "list-export", "signed in"),
    ("POST", "list-export", "signed in"),
    ("GET", "export-file", "signed in"),
    ("GET", "account_change_password", "signed in"),
    ("POST", "account_logout", "signed in"),
    ("GET", "user-list", "governance.view_user"),
    ("GET", "user-new", "governance.manage_user"),
    ("POST", "user-new", "governance.manage_user"),
    ("GET", "user", "governance.view_user"),
    ("GET", "user-edit", "governance.manage_user"),
    ("POST", "user-edit", "governance.manage_user"),
    ("POST", "user-active", "governance.manage_user"),
    ("POST", "user-invite", "governance.manage_user"),
    ("GET", "role-list", "governance.view_role"),
    ("GET", "role", "governance.view_role"),
    ("GET", "role-compare", "governance.view_role"),
    ("GET", "role-new", "governance.manage_role"),
    ("POST", "role-new", "governance.manage_role"),
    ("GET", "role-edit", "governance.manage_role"),
    ("POST", "role-edit", "governance.manage_role"),
    ("GET", "change-list", "governance.view_change"),
    ("GET", "change", "governance.view_change"),
    ("POST", "change-answer", "governance.view_change"),
    ("GET", "job-list", "governance.view_job"),
    ("GET", "job", "governance.view_job"),
    ("GET", "rule-list", "governance.view_rule"),
    ("GET", "entry-list", "ledger.view_entry"),
    ("GET", "delivery-list", "ledger.view_entry"),
    ("POST", "delivery-retry", "ledger.manage_delivery"),
    ("GET", "customer-list", "customers.view_customer"),
    ("POST", "customer-find", "customers.view_customer"),
    ("GET", "customer-new", "customers.add_customer"),
    ("POST", "customer-new", "customers.add_customer"),
    ("GET", "customer", "customers.view_customer"),
    ("GET", "customer-edit", "customers.change_customer"),
    ("POST", "customer-edit", "customers.change_customer"),
    ("GET", "customer-masked", "customers.view_customer"),
    ("GET", "customer-reveal", "customers.reveal_customer"),
    ("POST", "customer-reveal", "customers.reveal_customer"),
    ("GET", "consent-give", "customers.record_consent"),
    ("POST", "consent-give", "customers.record_consent"),
    ("POST", "consent-withdraw", "customers.record_consent"),
    ("POST", "note-add", "customers.add_note"),
    ("GET", "customer-timeline", "customers.view_customer"),
    ("GET", "customer-messages-panel", "customers.view_message"),
    ("GET", "contact-stop", "customers.stop_contact"),
    ("POST", "contact-stop", "customers.stop_contact"),
    ("POST", "contact-reopen", "customers.stop_contact"),
    ("GET", "message-list", "customers.view_message"),
    ("GET", "message", "customers.view_message"),
    ("POST", "message-again", "customers.manage_message"),
    ("POST", "message-give-up", "customers.manage_message"),
    ("GET", "template-list", "customers.view_template"),
    ("GET", "template", "customers.view_template"),
    ("GET", "template-edit", "customers.manage_template"),
    ("POST", "template-edit", "customers.manage_template"),
    ("POST", "customer-duplicates", "customers.add_customer"),
    ("GET", "task-list", "customers.plan_activity"),
    ("GET", "activity-panel", "customers.view_customer"),
    ("GET", "activity-plan", "customers.plan_activity"),
    ("POST", "activity-plan", "customers.plan_activity"),
    ("GET", "activity-note", "customers.plan_activity"),
    ("POST", "activity-note", "customers.plan_activity"),
    ("GET", "activity-move", "customers.plan_activity"),
    ("POST", "activity-move", "customers.plan_activity"),
    ("GET", "activity-done", "customers.plan_activity"),
    ("POST", "activity-done", "customers.plan_activity"),
    ("GET", "activity-cancel", "customers.plan_activity"),
    ("POST", "activity-cancel", "customers.plan_activity"),
    ("GET", "relation-panel", "customers.view_customer"),
    ("GET", "relation-add", "customers.manage_relation"),
    ("POST", "relation-add", "customers.manage_relation"),
    ("GET", "relation-masked", "customers.view_customer"),
    ("GET", "relation-reveal", "customers.reveal_customer"),
    ("POST", "relation-reveal", "customers.reveal_customer"),
    ("POST", "relation-end", "customers.manage_relation"),
    ("POST", "relation-contact-open", "customers.manage_relation"),
    ("POST", "relation-contact-close", "customers.manage_relation"),
    ("GET", "handover-list", "customers.hand_over"),
    ("GET", "handover-new", "customers.hand_over"),
    ("POST", "handover-new", "customers.hand_over"),
    ("GET", "handover", "customers.hand_over"),
    ("GET", "customer-handover", "customers.hand_over"),
    ("POST", "customer-handover", "customers.hand_over"),
    ("GET", "notice-list", "signed in"),
    ("GET", "notice", "signed in"),
    ("POST", "notices-read", "signed in"),
    ("GET", "decision-list", "risk.replay_decision"),
    ("GET", "decision", "risk.view_decision"),
    ("POST", "decision-replay", "risk.replay_decision"),
    ("GET", "strategy-list", "risk.view_strategy"),
    ("GET", "strategy", "risk.view_strategy"),
    ("GET", "scorecard-list", "risk.view_strategy"),
    ("GET", "scorecard", "risk.view_strategy"),
    ("GET", "scorecard-chart", "risk.view_strategy"),
    ("GET", "application-list", "credit.view_application"),
    ("GET", "application-new", "credit.add_application"),
    ("POST", "application-new", "credit.add_application"),
    ("GET", "application-quote", "credit.view_product"),
    ("GET", "review-queue", "credit.decide_application"),
    ("GET", "application-board", "credit.view_application"),
    ("GET", "application-import", "credit.import_application"),
    ("POST", "application-import", "credit.import_application"),
    ("GET", "application-import-template", "credit.import_application"),
    ("GET", "application-import-job", "credit.import_application"),
    ("GET", "application-import-problems", "credit.import_application"),
    ("GET", "application", "credit.view_application"),
    ("GET", "application-edit", "credit.add_application"),
    ("POST", "application-edit", "credit.add_application"),
    ("POST", "application-submit", "credit.submit_application"),
    ("GET", "application-withdraw", "credit.withdraw_application"),
    ("POST", "application-withdraw", "credit.withdraw_application"),
    ("GET", "application-terms", "credit.decide_application"),
    ("POST", "application-approve", "credit.decide_application"),
    ("POST", "application-decline", "credit.decide_application"),
    ("GET", "offer", "credit.view_application"),
    ("POST", "offer-confirm", "credit.accept_offer"),
    ("POST", "offer-accept", "credit.accept_offer"),
    ("POST", "offer-renew", "credit.accept_offer"),
    ("GET", "loan-list", "credit.view_loan"),
    ("GET", "loan", "credit.view_loan"),
    ("GET", "loan-balance", "credit.view_loan"),
    ("GET", "loan-repay", "credit.record_repayment"),
    ("POST", "loan-repay", "credit.record_repayment"),
    ("GET", "payment-list", "credit.view_suspense"),
    ("GET", "receipt", "credit.view_suspense"),
    ("POST", "receipt-allocate", "credit.allocate_suspense"),
    ("POST", "receipt-return", "credit.allocate_suspense"),
    ("POST", "receipt-decide", "credit.approve_money"),
    ("GET", "bank-file-list", "credit.import_payment"),
    ("POST", "bank-file-list", "credit.import_payment"),
    ("GET", "bank-file", "credit.import_payment"),
    ("GET", "bank-file-problems", "credit.import_payment"),
    ("GET", "loan-payoff", "credit.quote_payoff"),
    ("POST", "loan-payoff", "credit.quote_payoff"),
    ("GET", "payoff", "credit.view_loan"),
    ("GET", "payoff-pdf", "credit.view_loan"),
    ("GET", "repayment-reverse", "credit.reverse_repayment"),
    ("POST", "repayment-reverse", "credit.reverse_repayment"),
    ("GET", "loan-refund", "credit.request_refund"),
    ("POST", "loan-refund", "credit.request_refund"),
    ("GET", "refund-list", "credit.view_loan"),
    ("POST", "refund-decide", "credit.approve_money"),
    ("GET", "offer-what-if", "credit.view_application"),
    ("POST", "offer-replace", "credit.accept_offer"),
    ("GET", "offer-contract", "credit.download_contract"),
    ("POST", "offer-link", "credit.accept_offer"),
    ("GET", "product-list", "credit.view_product"),
    ("GET", "product", "credit.view_product"),
    ("GET", "credit-close", "credit.close_day"),
    ("POST", "credit-close-run", "credit.close_day"),
    ("POST", "credit-close-retry", "credit.close_day"),
    ("GET", "application-panel", "credit.view_application"),
    ("GET", "document-panel", "customers.view_document"),
    ("GET", "document-add", "customers.add_document"),
    ("POST", "document-add", "customers.add_document"),
    ("GET", "document-file", "customers.view_document"),
    ("GET", "document-check", "customers.check_document"),
    ("POST", "document-check", "customers.check_document"),
    ("POST", "application-ask", "credit.decide_application"),
    ("POST", "application-resume", "credit.decide_application"),
    ("POST", "application-counter", "credit.decide_application"),
    ("GET", "application-verify", "credit.verify_fact"),
    ("POST", "application-verify", "credit.verify_fact"),
    ("GET", "application-paper", "customers.add_document"),
    ("POST", "application-paper", "customers.add_document"),
    ("POST", "proposal-answer", "credit.decide_application"),
    ("POST", "counter-answer", "credit.accept_offer"),
    ("GET", "condition-clear", "credit.clear_condition"),
    ("POST", "condition-clear", "credit.clear_condition"),
    ("GET", "override-list", "credit.view_override"),
    ("GET", "loan-panel", "credit.view_loan"),
    ("GET", "case-panel", "collections.view_case"),
    ("GET", "desk", "collections.claim_case"),
    ("POST", "desk-next", "collections.claim_case"),
    ("GET", "case-skip", "collections.claim_case"),
    ("POST", "case-skip", "collections.claim_case"),
    ("POST", "case-check", "collections.log_contact"),
    ("GET", "promise-list", "collections.view_case"),
    ("GET", "promise-calendar", "collections.view_case"),
    ("GET", "promise", "collections.view_case"),
    ("GET", "promise-cancel", "collections.log_contact"),
    ("POST", "promise-cancel", "collections.log_contact"),
    ("GET", "team-board", "collections.assign_case"),
    ("GET", "collection-results", "collections.view_case"),
    ("GET", "credit-dashboard", "credit.view_application"),
    ("GET", "case-list", "collections.view_case"),
    ("GET", "case", "collections.view_case"),
    ("POST", "case-claim", "collections.claim_case"),
    ("POST", "case-keep", "collections.claim_case"),
    ("POST", "case-release", "collections.claim_case"),
    ("POST", "case-contact", "collections.log_contact"),
    ("GET", "case-assign", "collections.assign_case"),
    ("POST", "case-assign", "collections.assign_case"),
    ("GET", "case-promise-cover", "collections.log_contact"),
    ("POST", "counter-link", "credit.accept_offer"),
]
# Parts in every state, mounted in local and test installations only.
SHOWROOM = ("ui",)
# method, route, permission; the OAuth scope is the permission's
API = [
    ("GET", "api-customers-list", "customers.view_customer"),
    ("POST", "api-customers-list", "customers.add_customer"),
    ("POST", "api-customers-search", "customers.view_customer"),
    ("GET", "api-customers-detail", "customers.view_customer"),
    ("PATCH", "api-customers-detail", "customers.change_customer"),
    ("POST", "api-customers-consents", "customers.record_consent"),
    ("POST", "api-customers-withdraw-consent", "customers.record_consent"),
    ("GET", "api-relations-list", "customers.view_customer"),
    ("POST", "api-relations-list", "customers.manage_relation"),
    ("GET", "api-relations-detail", "customers.view_customer"),
    ("POST", "api-relations-end", "customers.manage_relation"),
    ("GET", "api-activities-list", "customers.view_customer"),
    ("POST", "api-activities-list", "customers.plan_activity"),
    ("GET", "api-activities-detail", "customers.view_customer"),
    ("POST", "api-activities-done", "customers.plan_activity"),
    ("POST", "api-activities-cancel", "customers.plan_activity"),
    ("GET", "api-products-list", "credit.view_product"),
    ("GET", "api-products-detail", "credit.view_product"),
    ("GET", "api-applications-list", "credit.view_application"),
    ("POST", "api-applications-list", "credit.add_application"),
    ("GET", "api-applications-detail", "credit.view_application"),
    ("POST", "api-applications-submit", "credit.submit_application"),
    ("POST", "api-applications-withdraw", "credit.withdraw_application"),
    ("GET", "api-offers-list", "credit.view_application"),
    ("GET", "api-offers-detail", "credit.view_application"),
    ("POST", "api-offers-confirm", "credit.accept_offer"),
    ("POST", "api-offers-accept", "credit.accept_offer"),
    ("GET", "api-documents-list", "customers.view_document"),
    ("POST", "api-documents-list", "customers.add_document"),
    ("GET", "api-documents-detail", "customers.view_document"),
    ("GET", "api-paper-requests-list", "credit.view_application"),
    ("GET", "api-paper-requests-detail", "credit.view_application"),
    ("GET", "api-conditions-list", "credit.view_application"),
    ("GET", "api-conditions-detail", "credit.view_application"),
    ("POST", "api-conditions-clear", "credit.clear_condition"),
    ("GET", "api-loans-list", "credit.view_loan"),
    ("GET", "api-loans-detail", "credit.view_loan"),
    ("GET", "api-loans-schedule", "credit.view_loan"),
    ("GET", "api-repayments-list", "credit.view_loan"),
    ("POST", "api-repayments-list", "credit.record_repayment"),
    ("GET", "api-repayments-detail", "credit.view_loan"),
    ("GET", "api-payoff-quotes-list", "credit.view_loan"),
    ("POST", "api-payoff-quotes-list", "credit.quote_payoff"),
    ("GET", "api-payoff-quotes-detail", "credit.view_loan"),
    ("GET", "api-reversals-list", "credit.view_loan"),
    ("POST", "api-reversals-list", "credit.reverse_repayment"),
    ("GET", "api-reversals-detail", "credit.view_loan"),
    ("GET", "api-refunds-list", "credit.view_loan"),
    ("POST", "api-refunds-list", "credit.request_refund"),
    ("GET", "api-refunds-detail", "credit.view_loan"),
    ("GET", "api-suspense-list", "credit.view_suspense"),
    ("GET", "api-suspense-detail", "credit.view_suspense"),
    ("POST", "api-suspense-allocate", "credit.allocate_suspense"),
    ("POST", "api-suspense-return", "credit.allocate_suspense"),
    ("GET", "api-decisions-detail", "risk.view_decision"),
    ("GET", "api-cases-list", "collections.view_case"),
    ("GET", "api-cases-detail", "collections.view_case"),
    ("POST", "api-cases-claim", "collections.claim_case"),
    ("POST", "api-cases-release", "collections.claim_case"),
    ("POST", "api-cases-contacts", "collections.log_contact"),
    ("POST", "api-cases-check", "collections.log_contact"),
    ("GET", "api-promises-list", "collections.view_case"),
    ("POST", "api-promises-list", "collections.log_contact"),
    ("GET", "api-promises-detail", "collections.view_case"),
    ("GET", "api-counter-offers-list", "credit.view_application"),
    ("GET", "api-counter-offers-detail", "credit.view_application"),
    ("POST", "api-counter-offers-agree", "credit.accept_offer"),
    ("POST", "api-counter-offers-refuse", "credit.accept_offer"),
    ("GET", "api-handovers-list", "customers.view_handover"),
    ("POST", "api-handovers-list", "customers.hand_over"),
    ("GET", "api-handovers-detail", "customers.view_handover"),
]
PUBLIC = {"healthz", "invitation", "session", "set-language", "set-theme", "account_login", "api-token", "api-revoke", "api-schema", "api-docs", "api-receipt-sms"} | {
    "public-offer", "public-offer-confirm", "public-offer-code", "public-offer-accept",
    "public-counter", "public-counter-code", "public-counter-answer", "public-offer-draft", "public-offer-contract",
}  # fmt: skip

# --- what fills the blanks of an address: well formed, and nobody's ------------------------------------------------
BLANKS = {
    "fact": "income", "paper": "income_proof", "code": "reminder.late", "channel": "letter", "pk": "1", "public_id": "X-22222222X",
    "field": "mobile", "purpose": "bureau_query", "kind": "points", "name": "nothing", "action": "nothing", "loan": "L-22222222X",
    "token": "nobodys-token", "other": "nobody",
}  # fmt: skip
EVERY_ROLE = WHO["signed in"].split()


def address(name: str, **known: str) -> str:
    route = BY_NAME[name]
    return reverse(name, kwargs={blank: known.get(blank, value) for blank, value in BLANKS.items() if blank in blanks_of(route)})


def blanks_of(route: Route) -> set[str]:
    return set(re.findall(r"<(?:\w+:)?(\w+)>", route.pattern))


BY_NAME = {route.name: route for route in routes()}


def ids(table: list[tuple[str, str, str]]) -> list[str]:
    return [f"{method} {name}" for method, name, _code in table]


def test_no_two_routes_share_a_name_or_an_address() -> None:
    names = [route.name for route in routes() if route.name]
    assert sorted({name for name in names if names.count(name) > 1}) == []
    patterns = [re.sub(r"<[^>]*>", "<>", route.pattern) for route in routes()]
    assert sorted({pattern for pattern in patterns if patterns.count(pattern) > 1}) == []


# --- the table is whole ------------------------------------------------------------------------------------------
def test_every_route_stands_in_the_table() -> None:
    named = {name for _method, name, _code in PAGES + API} | PUBLIC
    unnamed = [route.pattern for route in routes() if not route.name and not route.pattern.startswith("ui/")]
    missing = {name for name in BY_NAME if not name.startswith(SHOWROOM)} - named - {""}
    assert (unnamed, missing) == ([], set()), "declare the route in tests/test_permissions.py"
    assert named - set(BY_NAME) == set(), "the table names a route that is gone"


def test_every_action_of_the_api_stands_in_the_table() -> None:
    said = {(method, name) for method, name, _code in API}
    found = {(method.upper(), route.name) for route in routes() if route.viewset for method in route.actions if method != "head"}
    assert found - said == set()
    assert said - found == set()


@pytest.mark.parametrize(("method", "name", "code"), PAGES + API, ids=ids(PAGES + API))
def test_the_table_says_what_the_view_says(method: str, name: str, code: str) -> None:
    route = BY_NAME[name]
    action = route.actions.get(method.lower(), "*")
    assert permissions_of(route)[action] == code


def test_the_roles_hold_what_the_table_says(cast: Cast) -> None:
    assert set(WHO) - {"signed in"} == set(ALL)
    held = {code: {role.code for role in cast.roles.values() if code in role.permissions} for code in WHO if code != "signed in"}
    assert held == {code: set(roles.split()) for code, roles in WHO.items() if code != "signed in"}
    assert cast.roles["house"].permissions == [], "what the house does by itself needs no permission"


# --- the table is true -------------------------------------------------------------------------------------------
def refused(answer: Any) -> bool:
    return answer.status_code == 403


def let_in(answer: Any) -> bool:
    """The permission did not stop the request; what the row or the form then said is another matter."""
    to_sign_in = answer.status_code in (301, 302, 303) and "/accounts/login/" in answer.headers["Location"]
    return answer.status_code < 500 and answer.status_code not in (401, 403) and not to_sign_in


def sessions(cast: Cast) -> dict[str, APIClient]:
    """Return a signed-in client of every role, the API client's included, and of a person without one."""
    people = cast.by_role | {"api_client": cast.service, "nobody": cast.nobody}
    found = {role: APIClient() for role in people}
    for role, client in found.items():
        client.force_login(people[role])
    return found


# The tables are walked by one test each: the cast is made once, and what is wrong is listed together.
def test_every_page_opens_for_its_roles_and_no_other(cast: Cast) -> None:
    people, wrong = sessions(cast), []
    assert set(people) == {*EVERY_ROLE, "nobody"}
    for method, name, code in PAGES:
        if name == "account_logout":
            continue  # would end the sessions; anybody may
        allowed = {*EVERY_ROLE, "nobody"} if code == "signed in" else set(WHO[code].split())
        for role, client in people.items():
            # As htmx asks: the answer is the same and comes without the frame of the page.
            answer = client.generic(method, address(name), content_type="application/x-www-form-urlencoded", headers={"HX-Request": "true"})
            if role in allowed:
                right = let_in(answer)
            else:
                text = answer.content.decode()
                right = refused(answer) and (code in text or escape(str(ALL[code].label)) in text)  # 403 names what is missing
            if not right:
                wrong.append((method, name, role, answer.status_code))
    assert wrong == []


def test_every_action_opens_for_its_roles_and_no_other(cast: Cast) -> None:
    people, wrong = sessions(cast), []
    for method, name, code in API:
        for role, client in people.items():
            answer = client.generic(method, address(name), "{}", content_type="application/json")
            right = let_in(answer) if role in WHO[code].split() else refused(answer) and code in answer.json()["detail"]
            if not right:
                wrong.append((method, name, role, answer.status_code, answer.content[:200]))
    assert wrong == []


def test_every_action_needs_a_token_with_its_scope(cast: Cast, token_of: Callable[..., str]) -> None:
    def ask(method: str, name: str, token: str = "") -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return APIClient().generic(method, address(name), "{}", content_type="application/json", headers=headers)

    wrong = []
    every = list(scopes())
    only = {scope: token_of(scope) for scope in every}
    others = {scope: token_of(*(one for one in every if one != scope)) for scope in every}
    for method, name, code in API:
        scope = ALL[code].scope
        with_it, without, nothing = ask(method, name, only[scope]), ask(method, name, others[scope]), ask(method, name)
        allowed = "api_client" in WHO[code].split()
        if not (
            (nothing.status_code, nothing.headers["Content-Type"]) == (401, "application/problem+json")
            and refused(without)
            and (scope in without.json()["detail"] or not allowed)
            and (let_in(with_it) if allowed else refused(with_it))
        ):
            wrong.append((method, name, nothing.status_code, without.status_code, with_it.status_code, with_it.content[:200]))
    assert wrong == []


def test_a_visitor_is_sent_to_the_sign_in_page(db: None) -> None:
    """A page redirects; htmx gets 401 and the event that opens the sign-in, or it would swap the page into a panel."""
    wrong = []
    for method, name, _code in PAGES:
        page = Client().generic(method, address(name))
        part = Client(headers={"HX-Request": "true"}).generic(method, address(name))
        sent = page.status_code == 302 and page.headers["Location"].startswith("/accounts/login/?next=")
        if not (sent and (part.status_code, part.headers.get("HX-Trigger")) == (401, "sign-in")):
            wrong.append((method, name, page.status_code, part.status_code))
    assert wrong == []


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_an_open_route_needs_nobody(db: None, name: str) -> None:
    answer = Client().get(address(name))
    assert answer.status_code in (200, 401, 404, 405), "nobody is sent to the sign-in page from here"


# --- another team's row is not there -----------------------------------------------------------------------------
@pytest.fixture
def west(cast: Cast, make_customer: Callable[..., Any], deliver: Callable[[], int], storage: Any) -> dict[str, str]:
    """Return public ids of rows that belong to the west branch, by the route whose blank they fill."""
    from collection import cases, promises
    from collection.judgement import Part
    from collection.models import Case
    from credit import payoffs
    from customers import activities, messages, relations, templates
    from tests.collection.conftest import LATE, Floor
    from tests.credit.conftest import Desk

    desk = Desk(cast, make_customer)
    made = {"actor": cast.outsider}

    def customer() -> Any:
        return make_customer(branch=cast.west, actor=cast.outsider)

    draft = desk.draft(customer=customer(), **made)
    referred = desk.concluded("refer", customer=customer(), **made)
    offer = desk.offer(customer=customer(), **made)
    loan = desk.loan(customer=customer(), **made)
    Floor(cast, desk, deliver).close(LATE)
    case = Case.objects.get(customer=loan.customer)
    cast.entity.refresh_from_db()
    late = datetime.combine(cast.entity.business_date, NOON.timetz())
    cases.claim(case, actor=cast.west_collector, at=late)
    part = Part(cast.entity.business_date + timedelta(days=3), Decimal("100.00"))
    promise = promises.take(case, parts=[part], channel="inbound", actor=cast.west_collector, at=late)
    cases.release(case, actor=cast.west_collector, at=late)
    Case.objects.update(next_action="", next_action_on=None)  # as it stood: first in its own desk
    person, told = draft.customer, {"actor": cast.outsider, "at": NOON}
    return {
        **reviews(cast, desk, customer),
        "message": messages.send(
            customer=person,
            channel="sms",
            template="papers.asked",
            key="west",
            purpose="service",
            **told,
            values={name: english for name, (english, _chinese) in templates.KINDS.get("papers.asked").samples.items()},
        ).public_id,
        "activity": activities.plan(person, kind="call", text="x", due_at=NOON + timedelta(days=1), **told).public_id,
        "relation": relations.add(person, kind="family", source="customer", name="李雷", mobile="13812345678", **told).public_id,
        "customer": draft.customer.public_id,
        "draft": draft.public_id,
        "referred": referred.public_id,
        "offer": offer.public_id,
        "loan": loan.public_id,
        "payoff": payoffs.issue(loan, settles_on=cast.entity.business_date, actor=cast.outsider, at=late).public_id,
        "decision": referred.decision.public_id,
        "case": case.public_id,
        "promise": promise.public_id,
    }


def reviews(cast: Cast, desk: Any, customer: Callable[[], Any]) -> dict[str, str]:
    """Return what a review leaves beside an application of the west branch."""
    from credit import papers, underwriting
    from credit.models import Condition
    from customers import documents
    from tests.fixtures.papers import pdf

    def referred() -> Any:
        return desk.concluded("refer", customer=customer(), actor=cast.outsider)

    made: dict[str, Any] = {"actor": cast.west_underwriter, "at": NOON}
    asked, approved = referred(), referred()
    stored = documents.keep(pdf("west"))
    document = documents.add(asked.customer, kind="id_card", stored=stored, file_name="x", actor=cast.outsider, at=NOON)
    underwriting.approve(approved, amount=approved.amount, kinds=["employer"], **made)
    return {
        "document": document.public_id,
        "papers": papers.ask(asked, kinds=["income_proof"], due_on=NOON.date() + timedelta(days=9), **made).public_id,
        "condition": Condition.objects.get(application=approved).public_id,
        "proposal": underwriting.propose(referred(), kind="approve", amount=approved.amount, term=12, **made).public_id,
        "counter": underwriting.counter(referred(), amount=approved.amount, term=18, **made).public_id,
    }


# method, route, which row, who of the east branch asks
ROWS = [
    ("GET", "customer-messages-panel", "customer", "loan_officer"),
    ("GET", "contact-stop", "customer", "collector"),
    ("POST", "contact-stop", "customer", "collector"),
    ("POST", "contact-reopen", "customer", "collector"),
    ("GET", "message", "message", "loan_officer"),
    ("POST", "message-again", "message", "east_supervisor"),
    ("POST", "message-give-up", "message", "east_supervisor"),
    ("GET", "document-panel", "customer", "loan_officer"),
    ("GET", "document-add", "customer", "loan_officer"),
    ("POST", "document-add", "customer", "loan_officer"),
    ("GET", "document-file", "document", "loan_officer"),
    ("GET", "document-check", "document", "east_underwriter"),
    ("POST", "document-check", "document", "east_underwriter"),
    ("POST", "application-ask", "referred", "east_underwriter"),
    ("POST", "application-resume", "referred", "east_underwriter"),
    ("POST", "application-counter", "referred", "east_underwriter"),
    ("GET", "application-verify", "referred", "loan_officer"),
    ("POST", "application-verify", "referred", "loan_officer"),
    ("GET", "application-paper", "referred", "loan_officer"),
    ("POST", "application-paper", "referred", "loan_officer"),
    ("POST", "proposal-answer", "proposal", "east_underwriter"),
    ("POST", "counter-answer", "counter", "loan_officer"),
    ("GET", "condition-clear", "condition", "east_underwriter"),
    ("POST", "condition-clear", "condition", "east_underwriter"),
    ("GET", "customer", "customer", "loan_officer"),
    ("GET", "customer-edit", "customer", "loan_officer"),
    ("POST", "customer-edit", "customer", "loan_officer"),
    ("GET", "customer-masked", "customer", "loan_officer"),
    ("GET", "customer-reveal", "customer", "loan_officer"),
    ("POST", "customer-reveal", "customer", "loan_officer"),
    ("GET", "consent-give", "customer", "loan_officer"),
    ("POST", "consent-give", "customer", "loan_officer"),
    ("POST", "consent-withdraw", "customer", "loan_officer"),
    ("POST", "note-add", "customer", "loan_officer"),
    ("GET", "customer-timeline", "customer", "loan_officer"),
    ("GET", "activity-move", "activity", "loan_officer"),
    ("POST", "activity-move", "activity", "loan_officer"),
    ("GET", "activity-done", "activity", "loan_officer"),
    ("POST", "activity-done", "activity", "loan_officer"),
    ("GET", "activity-cancel", "activity", "loan_officer"),
    ("POST", "activity-cancel", "activity", "loan_officer"),
    ("GET", "relation-masked", "relation", "loan_officer"),
    ("GET", "relation-reveal", "relation", "loan_officer"),
    ("POST", "relation-reveal", "relation", "loan_officer"),
    ("POST", "relation-end", "relation", "loan_officer"),
    ("POST", "relation-contact-open", "relation", "loan_officer"),
    ("POST", "relation-contact-close", "relation", "loan_officer"),
    ("GET", "activity-panel", "customer", "loan_officer"),
    ("GET", "activity-plan", "customer", "loan_officer"),
    ("POST", "activity-plan", "customer", "loan_officer"),
    ("GET", "activity-note", "customer", "loan_officer"),
    ("POST", "activity-note", "customer", "loan_officer"),
    ("GET", "relation-panel", "customer", "loan_officer"),
    ("GET", "relation-add", "customer", "loan_officer"),
    ("POST", "relation-add", "customer", "loan_officer"),
    ("GET", "customer-handover", "customer", "collections_supervisor"),
    ("POST", "customer-handover", "customer", "collections_supervisor"),
    ("GET", "application-panel", "customer", "loan_officer"),
    ("GET", "loan-panel", "customer", "loan_officer"),
    ("GET", "case-panel", "customer", "collector"),
    ("GET", "application", "draft", "loan_officer"),
    ("GET", "application-edit", "draft", "loan_officer"),
    ("POST", "application-edit", "draft", "loan_officer"),
    ("POST", "application-submit", "draft", "loan_officer"),
    ("GET", "application-withdraw", "draft", "loan_officer"),
    ("POST", "application-withdraw", "draft", "loan_officer"),
    ("GET", "application-terms", "referred", "east_underwriter"),
    ("POST", "application-approve", "referred", "east_underwriter"),
    ("POST", "application-decline", "referred", "east_underwriter"),
    ("GET", "offer", "offer", "loan_officer"),
    ("POST", "offer-confirm", "offer", "loan_officer"),
    ("POST", "offer-accept", "offer", "loan_officer"),
    ("POST", "offer-renew", "offer", "loan_officer"),
    ("GET", "loan", "loan", "loan_officer"),
    ("GET", "loan-balance", "loan", "loan_officer"),
    ("GET", "loan-repay", "loan", "loan_officer"),
    ("POST", "loan-repay", "loan", "loan_officer"),
    ("GET", "loan-payoff", "loan", "loan_officer"),
    ("POST", "loan-payoff", "loan", "loan_officer"),
    ("GET", "loan-refund", "loan", "loan_officer"),
    ("POST", "loan-refund", "loan", "loan_officer"),
    ("GET", "payoff", "payoff", "loan_officer"),
    ("GET", "payoff-pdf", "payoff", "loan_officer"),
    ("GET", "offer-what-if", "offer", "loan_officer"),
    ("POST", "offer-replace", "offer", "loan_officer"),
    ("GET", "offer-contract", "offer", "loan_officer"),
    ("POST", "offer-link", "offer", "loan_officer"),
    ("GET", "decision", "decision", "loan_officer"),
    ("POST", "decision-replay", "decision", "east_underwriter"),
    ("GET", "case", "case", "collector"),
    ("POST", "case-claim", "case", "collector"),
    ("GET", "case-skip", "case", "collector"),
    ("POST", "case-skip", "case", "collector"),
    ("POST", "case-check", "case", "collector"),
    ("GET", "promise", "promise", "collector"),
    ("GET", "promise-cancel", "promise", "collector"),
    ("POST", "promise-cancel", "promise", "collector"),
    ("POST", "case-keep", "case", "collector"),
    ("POST", "case-release", "case", "collector"),
    ("POST", "case-contact", "case", "collector"),
    ("GET", "case-assign", "case", "collections_supervisor"),
    ("POST", "case-assign", "case", "collections_supervisor"),
    ("GET", "case-promise-cover", "case", "collector"),
    ("POST", "counter-link", "counter", "loan_officer"),
]
API_ROWS = [
    ("GET", "api-documents-detail", "document", "loan_officer"),
    ("GET", "api-paper-requests-detail", "papers", "loan_officer"),
    ("GET", "api-conditions-detail", "condition", "loan_officer"),
    ("POST", "api-conditions-clear", "condition", "east_underwriter"),
    ("GET", "api-relations-detail", "relation", "loan_officer"),
    ("POST", "api-relations-end", "relation", "loan_officer"),
    ("GET", "api-activities-detail", "activity", "loan_officer"),
    ("POST", "api-activities-done", "activity", "loan_officer"),
    ("POST", "api-activities-cancel", "activity", "loan_officer"),
    ("GET", "api-customers-detail", "customer", "loan_officer"),
    ("PATCH", "api-customers-detail", "customer", "loan_officer"),
    ("POST", "api-customers-consents", "customer", "loan_officer"),
    ("POST", "api-customers-withdraw-consent", "customer", "loan_officer"),
    ("GET", "api-applications-detail", "draft", "loan_officer"),
    ("POST", "api-applications-submit", "draft", "loan_officer"),
    ("POST", "api-applications-withdraw", "draft", "loan_officer"),
    ("GET", "api-offers-detail", "offer", "loan_officer"),
    ("POST", "api-offers-confirm", "offer", "loan_officer"),
    ("POST", "api-offers-accept", "offer", "loan_officer"),
    ("GET", "api-loans-detail", "loan", "loan_officer"),
    ("GET", "api-loans-schedule", "loan", "loan_officer"),
    ("GET", "api-decisions-detail", "decision", "loan_officer"),
    ("GET", "api-cases-detail", "case", "collector"),
    ("POST", "api-cases-claim", "case", "collector"),
    ("POST", "api-cases-release", "case", "collector"),
    ("POST", "api-cases-contacts", "case", "collector"),
    ("POST", "api-cases-check", "case", "collector"),
    ("GET", "api-promises-detail", "promise", "collector"),
    ("GET", "api-counter-offers-detail", "counter", "loan_officer"),
    ("POST", "api-counter-offers-agree", "counter", "loan_officer"),
    ("POST", "api-counter-offers-refuse", "counter", "loan_officer"),
]
LISTS = [
    ("api-documents-list", "loan_officer", ("document",)),
    ("api-paper-requests-list", "loan_officer", ("papers",)),
    ("api-conditions-list", "loan_officer", ("condition",)),
    ("customer-list", "loan_officer", ("customer",)),
    ("task-list", "loan_officer", ("activity",)),
    ("api-relations-list", "loan_officer", ("relation",)),
    ("api-activities-list", "loan_officer", ("activity",)),
    ("application-list", "loan_officer", ("draft", "referred")),
    ("review-queue", "east_underwriter", ("referred",)),
    ("loan-list", "loan_officer", ("loan",)),
    ("case-list", "collector", ("case",)),
    ("desk", "collector", ("case",)),
    ("decision-list", "east_underwriter", ("decision",)),
    ("api-customers-list", "loan_officer", ("customer",)),
    ("api-applications-list", "loan_officer", ("draft", "referred")),
    ("api-offers-list", "loan_officer", ("offer",)),
    ("api-loans-list", "loan_officer", ("loan",)),
    ("api-repayments-list", "loan_officer", ("loan",)),
    ("api-payoff-quotes-list", "loan_officer", ("payoff",)),
    ("refund-list", "loan_officer", ("loan",)),
    ("api-cases-list", "collector", ("case",)),
    ("promise-list", "collector", ("promise",)),
    ("api-promises-list", "collector", ("promise",)),
]
SHARED = {  # rows of the whole lender, or a person's own, not of a branch
    "role", "role-edit", "role-compare", "change", "change-answer",
    "user", "user-edit", "user-active", "user-invite", "job", "product", "strategy", "scorecard", "scorecard-chart", "application-import-job",
    "application-import-problems", "credit-close-retry", "delivery-retry", "api-products-detail", "api-repayments-detail",
    "receipt", "receipt-allocate", "receipt-return", "receipt-decide", "bank-file", "bank-file-problems", "repayment-reverse",
    "refund-decide", "api-suspense-detail", "api-suspense-allocate", "api-suspense-return", "api-payoff-quotes-detail",
    "api-reversals-detail", "api-refunds-detail",
    "notice", "handover", "api-handovers-detail", "template", "template-edit",
    "view-change", "list-job", "export-file", "list-builder", "list-columns", "view-save", "list-export", "list-bulk",
}  # fmt: skip


def test_every_route_of_a_branch_row_is_tried() -> None:
    tried = {(method, name) for method, name, _row, _who in ROWS + API_ROWS}
    with_rows = {(method, name) for method, name, _code in PAGES + API if blanks_of(BY_NAME[name]) and name not in SHARED}
    assert with_rows - tried == set()


def asker(cast: Cast, who: str) -> Any:
    of_the_branch = {"east_underwriter": "underwriter", "east_supervisor": "collections_supervisor"}
    return cast.person(who, of_the_branch[who], cast.east) if who in of_the_branch else getattr(cast, who)


def test_another_branchs_row_is_not_there(cast: Cast, west: dict[str, str]) -> None:
    """One set of rows, every address: 404 for the east branch, and the same words as for a row that does not exist."""
    people: dict[str, Any] = {}
    wrong = []
    for method, name, row, who in ROWS + API_ROWS:
        if who not in people:
            people[who] = APIClient()
            people[who].force_login(asker(cast, who))
        body = ("{}", "application/json") if name.startswith("api-") else ("", "application/x-www-form-urlencoded")
        answers = [
            people[who].generic(
                method, address(name, public_id=public_id), body[0], content_type=body[1], headers={"Idempotency-Key": public_id}
            )
            for public_id in (west[row], west[row].split("-")[0] + "-22222222X")
        ]
        if [answer.status_code for answer in answers] != [404, 404]:
            wrong.append((method, name, [answer.status_code for answer in answers]))
    assert wrong == []


def test_another_branchs_rows_are_not_listed(cast: Cast, west: dict[str, str]) -> None:
    people: dict[str, Any] = {}
    for name, who, rows in LISTS:
        if who not in people:
            people[who] = APIClient()
            people[who].force_login(asker(cast, who))
        answer = people[who].get(reverse(name))
        assert answer.status_code == 200, name
        for row in rows:
            assert west[row] not in answer.content.decode(), f"{name} shows a {row} of the west branch"


def test_the_own_branch_finds_all_of_it(cast: Cast, west: dict[str, str]) -> None:
    """The same addresses work for those whose rows they are, so that the 404 above means what it says."""
    people: dict[str, Any] = {}
    theirs = {"loan_officer": cast.outsider, "east_underwriter": cast.west_underwriter, "collector": cast.west_collector}
    for method, name, row, who in ROWS + API_ROWS:
        if method == "GET" and who in theirs and name != "customer-timeline":  # asks for what is before an entry
            if who not in people:
                people[who] = APIClient()
                people[who].force_login(theirs[who])
            answer = people[who].get(address(name, public_id=west[row]))
            assert answer.status_code in (200, 409, 422), f"{name}: {answer.status_code}"
