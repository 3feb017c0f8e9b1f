from governance.models.changes import ChangeRequest, DutyPair
from governance.models.identity import ApiClient, LegalEntity, Partner, Role, Team, User
from governance.models.invitations import Invitation
from governance.models.lists import BulkRun, Export, SavedView
from governance.models.notices import Notice
from governance.models.records import FormReceipt, IdempotencyKey, Job, Rule
from governance.models.sign_in import StaffSession

__all__ = [
    "ApiClient",
    "BulkRun",
    "ChangeRequest",
    "DutyPair",
    "Export",
    "FormReceipt",
    "IdempotencyKey",
    "Invitation",
    "Job",
    "LegalEntity",
    "Notice",
    "Partner",
    "Role",
    "Rule",
    "SavedView",
    "StaffSession",
    "Team",
    "User",
]
