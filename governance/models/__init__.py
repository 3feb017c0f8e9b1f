from governance.models.changes import ChangeRequest, DutyPair
from governance.models.clients import ApiClient
from governance.models.identity import LegalEntity, Partner, Role, Team, User
from governance.models.invitations import Invitation
from governance.models.keys import DataKey, FileKey, PersonKey
from governance.models.lists import BulkRun, Export, SavedView
from governance.models.notices import Notice
from governance.models.people import BreakGlass, Delegation, Offboarding
from governance.models.purposes import DataPurpose, LegalBasis
from governance.models.records import FormReceipt, IdempotencyKey, Job, Rule
from governance.models.reviews import AccessReview, ReviewedGrant
from governance.models.sign_in import StaffSession

__all__ = [
    "AccessReview",
    "ApiClient",
    "BreakGlass",
    "BulkRun",
    "ChangeRequest",
    "DataKey",
    "DataPurpose",
    "Delegation",
    "DutyPair",
    "Export",
    "FileKey",
    "FormReceipt",
    "IdempotencyKey",
    "Invitation",
    "Job",
    "LegalBasis",
    "LegalEntity",
    "Notice",
    "Offboarding",
    "Partner",
    "PersonKey",
    "ReviewedGrant",
    "Role",
    "Rule",
    "SavedView",
    "StaffSession",
    "Team",
    "User",
]
