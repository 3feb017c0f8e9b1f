"""Plain checks of one file against the others: who else gave the same mobile or card, how often the person applied, what was verified.

One statement for all of them, on the way of every decision. Only files of the same lender are counted: what another lender knows is not
ours to use.
"""

import json
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from credit.models import Application

WINDOW = timedelta(days=30)
PROOF_LASTS = timedelta(days=366)
MOST = 99  # the fact counts no further: from here on it is all the same


class Found(NamedTuple):
    """What the checks counted; the latest verified values of the application by fact, each with its source and day; what its device says."""

    shared_mobile: int
    shared_card: int
    applications_30d: int
    verified: dict[str, dict[str, Any]]
    device: dict[str, Any]


CHECKS = """
WITH person AS (SELECT id, mobile_key, bank_card_key, legal_entity_id FROM customers_customer WHERE id = %(customer)s)
SELECT
    (SELECT COUNT(*) FROM customers_customer AS other, person
     WHERE other.mobile_key = person.mobile_key AND other.id <> person.id
        AND other.legal_entity_id = person.legal_entity_id AND other.erased_at IS NULL),
    (SELECT COUNT(*) FROM customers_customer AS other, person
     WHERE other.bank_card_key = person.bank_card_key AND other.id <> person.id
        AND other.legal_entity_id = person.legal_entity_id AND other.erased_at IS NULL),
    (SELECT COUNT(*) FROM credit_application
     WHERE customer_id = %(customer)s AND id <> %(application)s AND submitted_at > %(since)s AND submitted_at <= %(at)s),
    (SELECT COALESCE(JSONB_OBJECT_AGG(name, JSONB_BUILD_OBJECT('value', value, 'source', source, 'as_of', as_of)), '{}'::jsonb)::text
     FROM (SELECT DISTINCT ON (fact.name) fact.name, fact.value, fact.source, fact.as_of
           FROM credit_verifiedfact AS fact JOIN credit_application AS about ON about.id = fact.application_id
           WHERE about.customer_id = %(customer)s AND fact.verified_at <= %(at)s
               AND (about.id = %(application)s OR (fact.name = 'income' AND fact.as_of >= %(fresh)s))
           ORDER BY fact.name, (about.id = %(application)s) DESC, fact.id DESC) AS latest),
    (SELECT JSONB_BUILD_OBJECT(
        'key', mine.device_key,
        'differs', mine.zone_differs,
        'persons', (SELECT COUNT(DISTINCT about.customer_id)
            FROM credit_applicationdevice AS other JOIN credit_application AS about ON about.id = other.application_id, person
            WHERE other.device_key = mine.device_key AND other.seen_at > mine.seen_at - interval '90 days' AND other.seen_at <= %(at)s
                AND about.customer_id <> person.id AND about.legal_entity_id = person.legal_entity_id),
        'applications', (SELECT COUNT(*)
            FROM credit_applicationdevice AS other JOIN credit_application AS about ON about.id = other.application_id, person
            WHERE other.device_key = mine.device_key AND other.seen_at > mine.seen_at - interval '30 days' AND other.seen_at <= %(at)s
                AND other.id <> mine.id AND about.legal_entity_id = person.legal_entity_id))::text
     FROM credit_applicationdevice AS mine WHERE mine.application_id = %(application)s)
"""


def found(application: Application, *, on: date, at: datetime) -> Found:
    """Return what the checks say of an application, stored or about to be, as of `at`."""
    told: dict[str, Any] = {
        "customer": application.customer_id,
        "application": application.pk or 0,
        "since": at - WINDOW,
        "at": at,
        "fresh": on - PROOF_LASTS,
    }
    with connection.cursor() as cursor:  # by hand: one statement in the place of four
        cursor.execute(CHECKS, told)
        mobile, card, applications, verified, device = cursor.fetchone()
    return Found(min(mobile, MOST), min(card, MOST), min(applications, MOST), json.loads(verified), json.loads(device or "{}"))
