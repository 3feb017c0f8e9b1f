"""Permissions of the supervisor's part: assignment, roster, absences, re-assignment, quality, forecast. Rules and plans are the lender's."""

PLAN = "collections.plan_team"
WHO: dict[str, str] = {
    PLAN: "collections_supervisor",
    "collections.score_quality": "collections_supervisor compliance",
    "collections.view_quality": "collector collections_supervisor compliance auditor",
}
PAGES: list[tuple[str, str, str]] = [
    ("GET", "assignment", PLAN),
    ("GET", "assignment-plan-new", PLAN),
    ("POST", "assignment-plan-new", PLAN),
    ("POST", "assignment-run-new", PLAN),
    ("GET", "assignment-run", PLAN),
    ("GET", "assignment-plan", PLAN),
    ("POST", "assignment-plan-release", PLAN),
    ("GET", "assignment-rule-new", PLAN),
    ("POST", "assignment-rule-new", PLAN),
    ("GET", "assignment-rule", PLAN),
    ("POST", "assignment-rule", PLAN),
    ("POST", "assignment-rule-shift", PLAN),
    ("GET", "collector-list", PLAN),
    ("GET", "collector", PLAN),
    ("POST", "collector", PLAN),
    ("GET", "absence-list", PLAN),
    ("GET", "absence-new", PLAN),
    ("POST", "absence-new", PLAN),
    ("GET", "absence", PLAN),
    ("POST", "absence-step", PLAN),
    ("GET", "reassign-new", PLAN),
    ("POST", "reassign-new", PLAN),
    ("GET", "reassignment", PLAN),
    ("POST", "reassignment-step", PLAN),
]
API: list[tuple[str, str, str]] = []
ROWS: list[tuple[str, str, str, str]] = []
API_ROWS: list[tuple[str, str, str, str]] = []
LISTS: list[tuple[str, str, tuple[str, ...]]] = []
# versions of rules, absences and orders of the whole lender, narrowed to its own people by the door
SHARED: set[str] = {
    "assignment-run",
    "assignment-plan",
    "assignment-plan-release",
    "assignment-rule-new",
    "assignment-rule",
    "assignment-rule-shift",
    "collector",
    "absence",
    "absence-step",
    "reassignment",
    "reassignment-step",
}
