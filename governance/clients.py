"""Doors for API clients: register, change through a second person, rotate the secret, revoke."""

import ipaddress
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from oauth2_provider.generators import generate_client_secret
from oauth2_provider.models import get_access_token_model

from crm.lib.errors import DomainError, Invalid, Stale
from crm.lib.permissions import ALL
from governance import api_clients, changes, permissions, sign_in_policy, users
from governance.changes import Kind, Line
from governance.models import ApiClient, ChangeRequest, Role, Team, User
from ledger import log

KIND = "governance.api_client"
LONGEST_NAME, MOST_CALLS, MOST_NETWORKS = 80, 100_000, 20


class ClientRevoked(DomainError):
    """The client is revoked, and stays so: register another one."""

    code = "client_revoked"


@transaction.atomic
def register(*, username: str, name: str, role: Role, team: Team, actor: User, at: datetime) -> tuple[ApiClient, str]:
    """Register a client with a service user of its own; it may do nothing until scopes are given. Return it with its secret.

    :raises NameTaken: if the service user's name exists
    """
    # The house gives the role: without scopes it opens nothing, and scopes wait for a second person.
    service = users.create(username=username, name=name, kind=User.Kind.SERVICE, role=role, team=team, actor=users.system(), at=at)
    calls = int(sign_in_policy.value("api.calls_per_minute", on=at.date()))
    return api_clients.create(name=name, service_user=service, client_scopes=[], actor=actor, at=at, per_minute=calls)


def content(client: ApiClient) -> dict[str, Any]:
    """Return what a client may do, as a change request keeps it."""
    return {"name": client.name, "scopes": sorted(client.scopes), "networks": sorted(client.networks), "per_minute": client.per_minute}


def wanted(*, name: str, scopes: list[str], networks: list[str], per_minute: int | None) -> dict[str, Any]:
    """Return what a client shall be allowed, in the form of `content`."""
    return {"name": name, "scopes": sorted(set(scopes)), "networks": sorted(set(networks)), "per_minute": per_minute}


@transaction.atomic
def propose(client: ApiClient, after: dict[str, Any], *, reason: str, actor: User, at: datetime, version: int) -> ChangeRequest:
    """Propose other scopes, networks or calls a minute.

    :raises Stale: if the client was changed since `version`
    :raises Invalid: for what cannot be
    """
    _standing_row(client, version)
    return changes.propose(KIND, client.client_id, after=after, reason=reason, actor=actor, at=at)


@transaction.atomic
def rotate(client: ApiClient, *, actor: User, at: datetime, version: int, leaked: bool = False) -> tuple[ApiClient, str]:
    """Give `client` a new secret; the one before opens for the hours of the rule, or no longer at all when it leaked.

    :raises Stale: if the client was changed since `version`, as by a second click
    :raises ClientRevoked: if it is revoked
    """
    row = _standing_row(client, version)
    secret = generate_client_secret()
    until = None if leaked else at + timedelta(hours=int(sign_in_policy.value("api.secret_overlap_hours", on=at.date())))
    row.old_secret, row.old_secret_until = ("" if leaked else row.client_secret), until
    row.client_secret, row.rotated_at, row.version = make_password(secret), at, row.version + 1
    row.save(update_fields=["old_secret", "old_secret_until", "client_secret", "rotated_at", "version"])
    if leaked:
        get_access_token_model().objects.filter(application=row).delete()
    log.record("governance.client.rotated", row, actor=actor, at=at, leaked=leaked, old_until=until)
    return row, secret


@transaction.atomic
def revoke(client: ApiClient, *, actor: User, at: datetime) -> ApiClient:
    """End `client` for good: its secrets and its tokens open nothing from now on. A second time changes nothing."""
    ended = {"revoked_at": at, "old_secret": "", "old_secret_until": None, "version": F("version") + 1}
    if ApiClient.objects.filter(pk=client.pk, revoked_at__isnull=True).update(**ended):
        get_access_token_model().objects.filter(application=client).delete()
        log.record("governance.client.revoked", client, actor=actor, at=at)
    client.refresh_from_db()
    return client


def _standing_row(client: ApiClient, version: int) -> ApiClient:
    row = ApiClient.objects.select_for_update(of=("self",)).get(pk=client.pk)
    if row.revoked_at is not None:
        raise ClientRevoked(_("This client is revoked. Register another one."))
    if row.version != version:
        raise Stale(_("This client was changed meanwhile."))
    return row


# --- the kind of change --------------------------------------------------------------------------------------------
def _standing(client_id: str) -> dict[str, Any]:
    client = ApiClient.objects.filter(client_id=client_id, revoked_at__isnull=True).first()
    return content(client) if client else {}


def _validate(client_id: str, after: dict[str, Any]) -> None:
    client = ApiClient.objects.select_related("service_user__role").filter(client_id=client_id, revoked_at__isnull=True).first()
    if client is None:
        raise ClientRevoked(_("This client is revoked. Register another one."))
    if closed := sorted(set(after["scopes"]) - set(open_to(client.service_user.role))):
        sentence = _("The role of this client does not open “%(scope)s”.") % {"scope": closed[0]}
        raise Invalid(sentence, fields={"scopes": sentence})
    for network in after["networks"]:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            sentence = _("“%(network)s” is no network. Write one such as 203.0.113.0/24 in each line.") % {"network": network[:50]}
            raise Invalid(sentence, fields={"networks": sentence}) from None
    if len(after["networks"]) > MOST_NETWORKS:
        raise Invalid(_("At most 20 networks."), fields={"networks": _("At most 20 networks.")})
    if not 1 <= (after["per_minute"] or 0) <= MOST_CALLS:
        raise Invalid(_("From 1 to 100,000 calls a minute."), fields={"per_minute": _("From 1 to 100,000 calls a minute.")})


def open_to(role: Role | None) -> list[str]:
    """Return the scopes that a role gives anything to do with."""
    return sorted({ALL[code].scope for code in role.permissions if code in ALL and ALL[code].scope}) if role else []


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    found = []
    for name, label in (("scopes", _("Scopes")), ("networks", _("Networks"))):
        had, has = set(before.get(name, ())), set(after[name])
        if had != has:
            found.append(Line(label, added=tuple(sorted(has - had)), removed=tuple(sorted(had - has))))
    if before.get("per_minute") != after["per_minute"]:
        found.append(Line(_("Calls a minute"), before.get("per_minute") or "", after["per_minute"]))
    return found


def _make(client_id: str, after: dict[str, Any], *, actor: User, at: datetime) -> ApiClient:
    _validate(client_id, after)
    client = ApiClient.objects.select_for_update(of=("self",)).get(client_id=client_id)
    client.scopes, client.networks, client.per_minute = after["scopes"], after["networks"], after["per_minute"]
    client.version += 1
    client.save(update_fields=["scopes", "networks", "per_minute", "version"])
    log.record(
        "governance.client.changed", client, actor=actor, at=at, **{name: after[name] for name in ("scopes", "networks", "per_minute")}
    )
    return client


changes.KINDS.register(
    KIND,
    Kind(
        label=_("API client"),
        check=permissions.CHECK_CLIENT,
        standing=_standing,
        validate=_validate,
        lines=_lines,
        make=_make,
        name=lambda client_id, after: after["name"],
        url=lambda client_id: reverse("client", args=[client_id]),
    ),
)
