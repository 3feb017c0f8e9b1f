"""Permissions of the supervisor's part: assignment, roster, absences, re-assignment, quality, forecast. Rules and plans are the lender's."""

PLAN, SCORE, VIEW = "collections.plan_team", "collections.score_quality", "collections.view_quality"
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
    ("GET", "home-capacity", PLAN),
    ("GET", "home-experiment", "collections.view_treatment"),
    ("GET", "home-board", "collections.assign_case"),
    ("GET", "capacity", PLAN),
    ("POST", "capacity", PLAN),
    ("GET", "quality", VIEW),
    ("POST", "quality-draw", SCORE),
    ("GET", "quality-questions", SCORE),
    ("POST", "quality-questions", SCORE),
    ("GET", "quality-flag", SCORE),
    ("POST", "quality-flag-settle", SCORE),
    ("GET", "quality-review", VIEW),
    ("POST", "quality-score", SCORE),
    ("POST", "quality-words", VIEW),
    ("GET", "quality-sound", VIEW),
]
API: list[tuple[str, str, str]] = [
    ("GET", "api-quality-forms-list", VIEW),
    ("POST", "api-quality-forms-list", SCORE),
    ("GET", "api-quality-reviews-list", VIEW),
    ("POST", "api-quality-reviews-list", SCORE),
    ("GET", "api-quality-reviews-detail", VIEW),
    ("POST", "api-quality-reviews-score", SCORE),
    ("POST", "api-quality-reviews-second", SCORE),
    ("POST", "api-quality-reviews-reply", "collections.log_contact"),
    ("POST", "api-quality-reviews-settle", SCORE),
    ("GET", "api-capacity-plans-list", PLAN),
]
ROWS: list[tuple[str, str, str, str]] = [
    ("GET", "quality-review", "quality_review", "collector"),
    ("POST", "quality-score", "quality_review", "collections_supervisor"),
    ("POST", "quality-words", "quality_review", "collector"),
    ("GET", "quality-sound", "quality_review", "collector"),
    ("GET", "quality-flag", "contact_flag", "collections_supervisor"),
    ("POST", "quality-flag-settle", "contact_flag", "collections_supervisor"),
]
API_ROWS: list[tuple[str, str, str, str]] = [
    ("GET", "api-quality-reviews-detail", "quality_review", "collector"),
    ("POST", "api-quality-reviews-score", "quality_review", "collections_supervisor"),
    ("POST", "api-quality-reviews-second", "quality_review", "collections_supervisor"),
    ("POST", "api-quality-reviews-reply", "quality_review", "collector"),
    ("POST", "api-quality-reviews-settle", "quality_review", "collections_supervisor"),
]
LISTS: list[tuple[str, str, tuple[str, ...]]] = [
    ("quality", "collections_supervisor", ("quality_review", "contact_flag")),
    ("api-quality-reviews-list", "collections_supervisor", ("quality_review",)),
]
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
