"""Who acts and for whom: legal entity, branch tree, roles, users, partners, API clients."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import AbstractApplication

from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import Policy


class Scope(models.TextChoices):
    """Which rows a role reaches. Nothing is reached without one of these."""

    OWN = "own", _("Own")
    TEAM = "team", _("Team")
    ALL = "all", _("All")


class LegalEntity(models.Model):
    """Whose books. The business date is data, advanced by the end of day."""

    POLICY = Policy(owner="governance", meaning="a lender whose books are kept here", retention="for ever")

    code = models.CharField(max_length=20, unique=True)
    name_en = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120)
    business_date = models.DateField()
    zone = models.CharField(max_length=40, default="Asia/Shanghai")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name_zh if chinese() else self.name_en


class Team(models.Model):
    """A node of the branch tree: head office, region, branch, team."""

    POLICY = Policy(owner="governance", meaning="branch tree", retention="for ever")

    class Kind(models.TextChoices):
        HEAD = "head", _("Head office")
        REGION = "region", _("Region")
        BRANCH = "branch", _("Branch")
        TEAM = "team", _("Team")

    public_id = PublicIdField(prefix="T")
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    kind = models.CharField(max_length=8, choices=Kind)
    code = models.CharField(max_length=20)
    name_en = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120)
    # "/1/4/": ids from the root to here, so that a subtree is one prefix condition
    path = models.CharField(max_length=200, editable=False, default="", db_index=False)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="team_code_once", fields=["legal_entity", "code"]),
            models.CheckConstraint(name="team_not_its_own_parent", condition=~Q(parent=F("id"))),
        ]
        indexes = [
            # subtree by prefix: LIKE '/1/4/%' needs the pattern operator class under any collation
            models.Index(fields=["path"], name="team_path", opclasses=["varchar_pattern_ops"]),
        ]

    def __str__(self) -> str:
        return self.name_zh if chinese() else self.name_en

    @cached_property
    def subtree_ids(self) -> list[int]:
        """The ids of this team and all below it; asked for once per instance, which lives as long as a request."""
        return list(Team.objects.filter(path__startswith=self.path).order_by("pk").values_list("pk", flat=True))


class Role(models.Model):
    """A named bundle of permissions with a data scope; content is data (`governance/data/roles.json`)."""

    POLICY = Policy(owner="governance", meaning="who may do what", retention="for ever")

    code = models.CharField(max_length=40, unique=True)
    name_en = models.CharField(max_length=80)
    name_zh = models.CharField(max_length=80)
    scope = models.CharField(max_length=4, choices=Scope)
    permissions = ArrayField(models.CharField(max_length=60), default=list)
    offered = ArrayField(
        models.CharField(max_length=60), default=list, db_default=[], help_text="what the product's own table gave this role at some time"
    )
    approval_limit = MoneyField(null=True, help_text="largest amount a holder may approve")
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="role_scope_known", condition=Q(scope__in=["own", "team", "all"])),
            models.CheckConstraint(
                name="role_approval_limit_not_negative",
                condition=Q(approval_limit__isnull=True) | Q(approval_limit__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return self.name_zh if chinese() else self.name_en


class UserManager(BaseUserManager["User"]):
    """Users are made by the doors in `governance.users`; this serves Django's own look-ups."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.select_related("role", "team", "team__legal_entity").get(username=username)


class User(AbstractBaseUser):  # type: ignore[django-manager-missing]
    """A member of staff, a service account, an agency or an enterprise. Has no rights without a role."""

    POLICY = Policy(
        owner="governance",
        meaning="who acts",
        retention="10y after leaving",
        personal={"username": "C1", "name": "C1", "email": "C1", "password": "C3", "last_login": "C1"},
        open_fields={"password": "a salted hash, never the password"},
    )

    class Kind(models.TextChoices):
        STAFF = "staff", _("Staff")
        SERVICE = "service", _("Service account")
        AGENCY = "agency", _("Agency")
        ENTERPRISE = "enterprise", _("Enterprise")

    public_id = PublicIdField(prefix="U")
    username = models.CharField(_("user name"), max_length=60, unique=True, validators=[UnicodeUsernameValidator()])
    name = models.CharField(_("name"), max_length=80)
    email = models.EmailField(_("e-mail"), blank=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.STAFF)
    role = models.ForeignKey(Role, null=True, blank=True, on_delete=models.PROTECT, related_name="users")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="users")
    approval_limit = MoneyField(null=True, blank=True, help_text="overrides the role's")
    language = models.CharField(max_length=10, blank=True, default="")
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    is_staff = is_superuser = False  # asked by libraries; nobody is above the permission table

    objects = UserManager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(Lower("username"), name="user_username_once_in_any_case"),
            models.CheckConstraint(name="user_kind_known", condition=Q(kind__in=["staff", "service", "agency", "enterprise"])),
            models.CheckConstraint(
                name="user_approval_limit_not_negative",
                condition=Q(approval_limit__isnull=True) | Q(approval_limit__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.username

    @cached_property
    def permission_codes(self) -> frozenset[str]:
        return frozenset(self.role.permissions) if self.role and self.is_active else frozenset()

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Return whether the user's role names the permission `perm`. Rows are narrowed by `visible_to`."""
        return perm in self.permission_codes

    def has_perms(self, perms: Iterable[str], obj: Any = None) -> bool:
        return all(self.has_perm(perm) for perm in perms)

    def has_module_perms(self, app_label: str) -> bool:
        return any(code.startswith(f"{app_label}.") for code in self.permission_codes)

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name

    @property
    def authority(self) -> Any:
        """The largest amount this person may approve, None when none was given."""
        if self.approval_limit is not None:
            return self.approval_limit
        return self.role.approval_limit if self.role else None

    @property
    def scope(self) -> str:
        return self.role.scope if self.role and self.is_active else ""


class Partner(models.Model):
    """A registered third party that brings, funds or insures business."""

    POLICY = Policy(owner="governance", meaning="third parties of the lender", retention="10y after end")

    public_id = PublicIdField(prefix="P")
    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT)
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="partner_code_once", fields=["legal_entity", "code"])]

    def __str__(self) -> str:
        return self.name


class ApiClient(AbstractApplication):
    """An OAuth2 client, bound to the service user in whose name and scope it acts."""

    POLICY = Policy(
        owner="governance",
        meaning="API clients",
        retention="10y after end",
        personal={"client_secret": "C3", "old_secret": "C3"},
        open_fields={"client_secret": "hashed by the toolkit", "old_secret": "the same hash, kept for the overlap"},
    )

    service_user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="api_clients")
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    networks = ArrayField(models.CharField(max_length=43), default=list, db_default=[], help_text="CIDR it may call from; empty: anywhere")
    per_minute = models.PositiveIntegerField(null=True, help_text="calls a minute; empty: no limit")
    old_secret = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="hash of the secret before the last one")
    old_secret_until = models.DateTimeField(null=True, help_text="until when the secret before still opens")
    rotated_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True, help_text="when it last fetched a token")
    revoked_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta(AbstractApplication.Meta):
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="api_client_old_secret_ends", condition=Q(old_secret="") | Q(old_secret_until__isnull=False)),
        ]

    def is_usable(self, request: Any) -> bool:
        """The toolkit asks before it hands out a token."""
        return self.revoked_at is None


class Channel(models.TextChoices):
    """How a customer or an application came."""

    BRANCH = "branch", _("Branch")
    WEB = "web", _("Web")
    API = "api", _("API")
    PARTNER = "partner", _("Partner")
    IMPORT = "import", _("File")


def chinese() -> bool:
    """Return whether the current language is Chinese; names of data rows are kept in both."""
    return (get_language() or "").startswith("zh")
