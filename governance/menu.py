from django.utils.translation import gettext_lazy as _

from crm.lib import home, menu
from governance import home_blocks, permissions, setup_steps
from ledger import permissions as ledger_permissions

menu.entry(group="governance", order=50, label=_("Rule book"), url_name="rule-list", permission=permissions.VIEW_RULE, icon="decisions")
menu.entry(
    group="governance", order=40, label=_("Data catalogue"), url_name="catalogue", permission=permissions.VIEW_CATALOGUE, icon="features"
)
menu.entry(group="governance", order=60, label=_("Delegations"), url_name="delegation-list", permission=permissions.DELEGATE, icon="users")
menu.entry(
    group="governance", order=70, label=_("Emergency access"), url_name="glass-new", permission=permissions.BREAK_GLASS, icon="warnings"
)
menu.entry(
    group="governance", order=71, label=_("Emergency accesses"), url_name="glass-list", permission=permissions.VIEW_GLASS, icon="warnings"
)
menu.entry(
    group="governance",
    order=65,
    label=_("Access reviews"),
    url_name="access-review-list",
    permission=permissions.VIEW_REVIEW,
    icon="review",
)
menu.entry(group="governance", order=75, label=_("Proof of encryption"), url_name="proof", permission=permissions.PROVE, icon="lock")
menu.entry(group="governance", order=76, label=_("Files taken"), url_name="export-list", permission=permissions.VIEW_EXPORT, icon="export")
menu.entry(group="admin", order=10, label=_("Users"), url_name="user-list", permission=permissions.VIEW_USER, icon="users")
menu.entry(group="admin", order=15, label=_("Teams"), url_name="team-list", permission=permissions.VIEW_USER, icon="teams")
menu.entry(group="admin", order=20, label=_("Roles"), url_name="role-list", permission=permissions.VIEW_ROLE, icon="roles")
menu.entry(group="admin", order=25, label=_("Changes"), url_name="change-list", permission=permissions.VIEW_CHANGE, icon="decisions")
menu.entry(group="admin", order=28, label=_("Keys"), url_name="key-list", permission=permissions.VIEW_KEY, icon="lock")
menu.entry(group="admin", order=27, label=_("API clients"), url_name="client-list", permission=permissions.VIEW_CLIENT, icon="partners")
menu.entry(group="admin", order=30, label=_("Jobs"), url_name="job-list", permission=permissions.VIEW_JOB, icon="jobs")

home.action("governance.user", label=_("New user"), permission=permissions.MANAGE_USER, url_name="user-new", order=70)
home.queue(
    "governance.setup",
    title=_("Setting up"),
    permission=permissions.MANAGE_USER,
    read=setup_steps.left,
    empty="",
    order=5,
    only_full=True,
)
home.queue(
    "governance.changes",
    title=_("Changes that wait for me"),
    permission=permissions.VIEW_CHANGE,
    read=home_blocks.waiting_changes,
    empty=_("No change waits for a second person."),
    order=15,
    roles=("compliance", "admin", "risk_manager", "loan_operations", "collections_supervisor"),
    url_name="change-list",
)
home.queue(
    "governance.glass",
    title=_("Emergency accesses to review"),
    permission=permissions.REVIEW_GLASS,
    read=home_blocks.glass_to_review,
    empty=_("Every emergency access is reviewed."),
    order=12,
    url_name="glass-list",
)
home.queue(
    "governance.access_reviews",
    title=_("Access reviews that wait for me"),
    permission=permissions.REVIEW_ACCESS,
    read=home_blocks.access_reviews_waiting,
    empty=_("No grant waits for your answer."),
    order=18,
    url_name="access-review-list",
)
home.queue(
    "governance.jobs",
    title=_("Jobs that need a look"),
    permission=permissions.VIEW_JOB,
    read=home_blocks.troubled_jobs,
    empty=_("All jobs ended well."),
    order=80,
    roles=("admin", "risk_manager", "auditor"),
    url_name="job-list",
)
home.queue(
    "ledger.parked",
    title=_("Parked deliveries"),
    permission=ledger_permissions.MANAGE,
    read=home_blocks.parked_deliveries,
    empty=_("Nothing is parked. A delivery that fails eight times waits here for a person."),
    order=20,
    url_name="delivery-list",
)
home.queue(
    "governance.users",
    title=_("People without a role or team"),
    permission=permissions.MANAGE_USER,
    read=home_blocks.unplaced_users,
    empty=_("Everybody has a role and a team."),
    order=10,
    url_name="user-list",
)
home.figure(
    "governance.proof",
    label=_("Values found in clear"),
    permission=permissions.PROVE,
    read=home_blocks.values_in_clear,
    order=5,
    roles=("compliance", "auditor"),
)
home.figure(
    "governance.catalogue",
    label=_("Columns of level 3 or above"),
    permission=permissions.VIEW_CATALOGUE,
    read=home_blocks.sensitive_columns,
    order=6,
    roles=("compliance", "auditor"),
)
home.figure(
    "governance.active",
    label=_("Active users"),
    permission=permissions.VIEW_USER,
    read=home_blocks.active_users,
    order=90,
    roles=("admin", "auditor"),
)
home.figure(
    "governance.suspended",
    label=_("Suspended users"),
    permission=permissions.VIEW_USER,
    read=home_blocks.suspended_users,
    order=91,
    roles=("admin", "auditor"),
)
home.figure(
    "governance.dormant",
    label=_("Not signed in for 90 days"),
    permission=permissions.VIEW_USER,
    read=home_blocks.dormant_users,
    order=92,
    roles=("admin", "auditor"),
)
home.figure(
    "governance.running",
    label=_("Jobs running"),
    permission=permissions.VIEW_JOB,
    read=home_blocks.running_jobs,
    order=93,
    roles=("admin", "auditor"),
)
home.figure(
    "governance.failed",
    label=_("Jobs failed or partial"),
    permission=permissions.VIEW_JOB,
    read=home_blocks.failed_jobs,
    order=94,
    roles=("admin", "auditor"),
)
home.figure(
    "governance.keys",
    label=_("Values under replaced keys"),
    permission=permissions.VIEW_KEY,
    read=home_blocks.under_older_keys,
    order=95,
    roles=("admin", "auditor", "compliance"),
)
