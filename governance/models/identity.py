"""Who acts and for whom: legal entity, branch tree, roles, users, partners, API clients."""

from collections.abc import Iterable
from datetime import datetime, time
from functools import cached_property
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.timezone import get_default_timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import Column, Policy


class Scope(models.TextChoices):
    """Which rows a role reaches. Nothing is reached without one of these."""

    OWN = "own", _("Own")
    TEAM = "team", _("Team")
    TREE = "tree", _("Branch tree")
    ALL = "all", _("All")


class Level(models.TextChoices):
    """How much of a guarded field a role reaches; each includes those before it, as far as the role's permissions go."""

    NONE = "none", _("Nothing")
    MASKED = "masked", _("Masked")
    REVEAL = "reveal", _("Open on request")
    EDIT = "edit", _("Change")


class LegalEntity(models.Model):
    """Whose books. The business date is data, advanced by the end of day."""

    POLICY = Policy(
        owner="governance",
        meaning=_("a lender whose books are kept here"),
        retention=_("for ever"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "seat_zh": _("Address of the lender in Chinese, as its letters name it"),
            "seat_en": _("Address of the lender in English, as its letters name it"),
            "telephone": _("Telephone of the lender, as its letters name it"),
        },
    )

    code = models.CharField(max_length=20, unique=True)
    name_en = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120)
    business_date = models.DateField()
    zone = models.CharField(max_length=40, default="Asia/Shanghai")
    # what its letters name: a debtor must be able to tell who writes, and to answer
    seat_zh = models.CharField(max_length=200, blank=True, default="", db_default="")
    seat_en = models.CharField(max_length=200, blank=True, default="", db_default="")
    telephone = models.CharField(max_length=40, blank=True, default="", db_default="")
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name_zh if chinese() else self.name_en


class Team(models.Model):
    """A node of the branch tree: head office, region, branch, team."""

    POLICY = Policy(
        owner="governance",
        meaning=_("branch tree"),
        retention=_("for ever"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "path": _("Place in the tree of teams"),
        },
    )

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
    is_active = models.BooleanField(default=True, db_default=True, help_text="a retired one takes no people and no customers")
    version = models.PositiveIntegerField(default=1, db_default=1)

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

    @property
    def depth(self) -> int:
        """How many stand above it; 0 at the root."""
        return self.path.count("/") - 2

    @cached_property
    def subtree_ids(self) -> list[int]:
        """The ids of this team and all below it; asked for once per instance, which lives as long as a request."""
        return list(Team.objects.filter(path__startswith=self.path).order_by("pk").values_list("pk", flat=True))

    @cached_property
    def tree(self) -> "Team":
        """The branch this team belongs to: itself, or the nearest above it that is no mere team."""
        above = [int(part) for part in self.path.split("/") if part][-2::-1]
        if self.kind != Team.Kind.TEAM or not above:
            return self
        found = Team.objects.in_bulk(above)
        return next((found[pk] for pk in above if found[pk].kind != Team.Kind.TEAM), found[above[-1]])


class Role(models.Model):
    """A named bundle of permissions with a data scope; content is data (`governance/data/roles.json`)."""

    POLICY = Policy(
        owner="governance",
        meaning=_("who may do what"),
        retention=_("for ever"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "scope": _("On which rows the permissions hold"),
            "permissions": _("What a holder may do"),
            "offered": _("What the product's own table gave the role at some time"),
            "field_levels": _("The most a holder reaches of each personal field"),
            "level_ceiling": _("Fields of a higher level are not shown to a holder"),
            "products": _("Only applications, offers and loans of these products"),
            "own_cases": _("Of collections cases only those held or assigned"),
            "second_factor": _("Whether a holder must have a second factor before anything opens"),
            "opens_at": _("From when the role is open, by the lender's clock"),
            "closes_at": _("Until when the role is open, by the lender's clock"),
            "waiver_limit": _("The largest amount a holder may waive on one loan"),
            "settlement_limit": _("The largest amount a holder may forgo in a settlement"),
            "line_limit": _("The largest credit limit a holder may grant"),
        },
    )

    code = models.CharField(max_length=40, unique=True)
    name_en = models.CharField(max_length=80)
    name_zh = models.CharField(max_length=80)
    scope = models.CharField(max_length=4, choices=Scope)
    permissions = ArrayField(models.CharField(max_length=60), default=list)
    offered = ArrayField(
        models.CharField(max_length=60), default=list, db_default=[], help_text="what the product's own table gave this role at some time"
    )
    approval_limit = MoneyField(null=True, help_text="largest amount a holder may approve")
    waiver_limit = MoneyField(null=True, help_text="largest amount a holder may waive on one loan")
    settlement_limit = MoneyField(null=True, help_text="largest amount a holder may forgo in a settlement")
    line_limit = MoneyField(null=True, help_text="largest credit limit a holder may grant")
    # attribute rules: each narrows what the permissions open, none widens it
    field_levels = models.JSONField(
        default=dict, db_default={}, help_text="field code → the most of it a holder reaches; else as permitted"
    )
    level_ceiling = models.PositiveSmallIntegerField(null=True, help_text="fields of a higher level (JR/T 0197-2020, 1–5) are not shown")
    products = ArrayField(models.CharField(max_length=20), default=list, db_default=[], help_text="only these; empty: every product")
    own_cases = models.BooleanField(default=False, db_default=False, help_text="of collections cases only those held or assigned")
    second_factor = models.BooleanField(
        default=False, db_default=False, help_text="a holder without an app or passkey reaches their account page alone"
    )
    opens_at = models.TimeField(null=True, help_text="of the lender's day; a role with hours is closed outside them")
    closes_at = models.TimeField(null=True)
    version = models.PositiveIntegerField(default=1, db_default=1)

    LIMITS: ClassVar[tuple[str, ...]] = ("approval_limit", "waiver_limit", "settlement_limit", "line_limit")

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="role_scope_known", condition=Q(scope__in=["own", "team", "tree", "all"])),
            models.CheckConstraint(
                name="role_limits_not_negative",
                condition=(Q(waiver_limit__isnull=True) | Q(waiver_limit__gte=0))
                & (Q(settlement_limit__isnull=True) | Q(settlement_limit__gte=0))
                & (Q(line_limit__isnull=True) | Q(line_limit__gte=0)),
            ),
            models.CheckConstraint(
                name="role_level_ceiling_known", condition=Q(level_ceiling__isnull=True) | Q(level_ceiling__range=(1, 5))
            ),
            models.CheckConstraint(
                name="role_hours_both_or_none",
                condition=Q(opens_at__isnull=True, closes_at__isnull=True)
                | Q(opens_at__isnull=False, closes_at__isnull=False) & ~Q(opens_at=F("closes_at")),
            ),
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
        meaning=_("who acts"),
        retention=_("10y after leaving"),
        personal={"username": "C1", "name": "C1", "email": "C1", "password": "C3", "last_login": "C1"},
        open_fields={"password": _("a salted hash, never the password")},
        level=2,
        kind="C1",
        purposes=("staff",),
        basis="employment",
        columns={
            "password": Column(_("Salted hash of the password"), mask="text"),
            "username": Column(_("Name to sign in with"), mask="none"),
            "name": Column(_("Name of the member of staff"), mask="none"),
            "email": Column(_("Work e-mail of the member of staff"), mask="none"),
            "last_login": Column(_("When the person last signed in"), mask="none"),
        },
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
    # Until then something may be lent to this person or opened by them (`governance.standing`); nobody else costs a query.
    extra_until = models.DateTimeField(null=True, blank=True, editable=False)

    asked = ""  # the permission by which the page or action at hand is open; said by whoever asks for it
    stands_in: "User | None" = None  # for whom the record at hand was opened
    previews: "User | None" = None  # as whom pages are looked at, read-only: both must hold a right and see a row

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
    def own_codes(self) -> frozenset[str]:
        held = frozenset(self.role.permissions) if self.role and self.is_active else frozenset()
        return held if self.previews is None else held & self.previews.permission_codes

    @cached_property
    def acting_for(self) -> "list[User]":
        """Return the people whose rights are lent to this person now."""
        from governance import standing  # what stands on the models

        return standing.givers(self) if self.has_extra else []

    @cached_property
    def glass(self) -> dict[int, str]:
        """Return the customers opened by breaking the glass now, with the public id of the act."""
        from governance import standing

        return standing.open_glass(self) if self.has_extra else {}

    @property
    def has_extra(self) -> bool:
        from governance import standing

        if self.previews is not None:
            return True
        return self.is_active and self.extra_until is not None and self.extra_until > standing.moment()

    @cached_property
    def permission_codes(self) -> frozenset[str]:
        held = self.own_codes.union(*(one.own_codes for one in self.acting_for))
        return held if self.previews is None else held & self.previews.permission_codes

    @property
    def through(self) -> "list[User]":
        """Return the people through whom the permission at hand is held: oneself, and who lent it."""
        if not self.acting_for or not self.asked:
            return [self]
        own = [self] if self.asked in self.own_codes else []
        return own + [one for one in self.acting_for if self.asked in one.own_codes]

    def is_also(self, user_id: int | None) -> bool:
        """Return whether `user_id` is this person, or one they act for: neither checks what the other made."""
        return user_id is not None and (user_id == self.pk or any(one.pk == user_id for one in self.acting_for))

    def marks_for(self, customer_id: int | None) -> dict[str, str]:
        """Return what every entry says of an act of this person beside who they are."""
        if not self.has_extra:
            return {}
        lender = self._lender
        marks = {"on_behalf_of": lender.public_id} if lender else {}
        return marks | ({"break_glass": self.glass[customer_id]} if customer_id in self.glass else {})

    @property
    def _lender(self) -> "User | None":
        """Return for whom this person acts at the moment: who lent the permission, or whose record it is."""
        if self.stands_in is not None:
            return self.stands_in
        people = self.through
        return people[0] if people and people[0] is not self else None

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
        """The largest amount this person may approve, None when none was given; the lender's while they act for one."""
        if (lender := self._lender) is not None:
            return lender.authority
        if self.approval_limit is not None:
            return self.approval_limit
        return self.role.approval_limit if self.role else None

    @property
    def scope(self) -> str:
        if self.asked and self.asked not in self.own_codes and self.acting_for:  # a lent permission brings its lender's rows, not one's own
            return Scope.ALL if any(one.scope == Scope.ALL for one in self.through) else ""
        own = self.role.scope if self.role and self.is_active else ""
        return own if self.previews is None else min(own, self.previews.scope, key=["", *Scope.values].index)

    @cached_property
    def root(self) -> Team | None:
        """The team whose subtree bounds what this person sees; None where no team does (own rows, all rows, no rows)."""
        if not self.team or not self.team.path:
            return None
        if self.scope == Scope.TREE:
            return self.team.tree
        return self.team if self.scope == Scope.TEAM else None

    def closed_at(self, at: datetime) -> tuple[time, time] | None:
        """Return the hours of this person's role if `at` lies outside them, by the lender's clock; hours may span midnight."""
        if not self.role or self.role.opens_at is None or self.role.closes_at is None:
            return None
        zone = ZoneInfo(self.team.legal_entity.zone) if self.team else get_default_timezone()
        opens, closes, clock = self.role.opens_at, self.role.closes_at, at.astimezone(zone).time()
        inside = opens <= clock < closes if opens < closes else clock >= opens or clock < closes
        return None if inside else (opens, closes)


class Partner(models.Model):
    """A registered third party that brings, funds or insures business."""

    POLICY = Policy(
        owner="governance",
        meaning=_("third parties of the lender"),
        retention=_("10y after end"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "name": _("Name of the third party"),
        },
    )

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
