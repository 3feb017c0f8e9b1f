"""Permissions of cases, promises and contacts."""

WHO: dict[str, str] = {
    "collections.assign_case": "collections_supervisor",
    "collections.claim_case": "collector collections_supervisor",
    "collections.log_contact": "collector collections_supervisor",
    "collections.view_case": "collector collections_supervisor compliance auditor api_client",
    "collections.export_case": "collections_supervisor compliance auditor",
}
PAGES: list[tuple[str, str, str]] = [
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
    ("GET", "case-list", "collections.view_case"),
    ("GET", "case", "collections.view_case"),
    ("POST", "case-claim", "collections.claim_case"),
    ("POST", "case-keep", "collections.claim_case"),
    ("POST", "case-release", "collections.claim_case"),
    ("POST", "case-contact", "collections.log_contact"),
    ("GET", "case-assign", "collections.assign_case"),
    ("POST", "case-assign", "collections.assign_case"),
    ("GET", "case-promise-cover", "collections.log_contact"),
]
API: list[tuple[str, str, str]] = [
    ("GET", "api-cases-list", "collections.view_case"),
    ("GET", "api-cases-detail", "collections.view_case"),
    ("POST", "api-cases-claim", "collections.claim_case"),
    ("POST", "api-cases-release", "collections.claim_case"),
    ("POST", "api-cases-contacts", "collections.log_contact"),
    ("POST", "api-cases-check", "collections.log_contact"),
    ("GET", "api-promises-list", "collections.view_case"),
    ("POST", "api-promises-list", "collections.log_contact"),
    ("GET", "api-promises-detail", "collections.view_case"),
]
ROWS: list[tuple[str, str, str, str]] = [
    ("GET", "case-panel", "customer", "collector"),
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
]
API_ROWS: list[tuple[str, str, str, str]] = [
    ("GET", "api-cases-detail", "case", "collector"),
    ("POST", "api-cases-claim", "case", "collector"),
    ("POST", "api-cases-release", "case", "collector"),
    ("POST", "api-cases-contacts", "case", "collector"),
    ("POST", "api-cases-check", "case", "collector"),
    ("GET", "api-promises-detail", "promise", "collector"),
]
LISTS: list[tuple[str, str, tuple[str, ...]]] = [
    ("case-list", "collector", ("case",)),
    ("desk", "collector", ("case",)),
    ("api-cases-list", "collector", ("case",)),
    ("promise-list", "collector", ("promise",)),
    ("api-promises-list", "collector", ("promise",)),
]
SHARED: set[str] = set()
