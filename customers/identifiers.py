"""Checking of id numbers, mobiles and bank cards. Pure: text in, canonical text out, or a sentence why not."""

import re
import unicodedata
from datetime import date

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _
from stdnum import luhn
from stdnum.cn import ric

from crm.lib.errors import Invalid

ID_NUMBER = re.compile(r"[0-9]{17}[0-9X]")
MOBILE = re.compile(r"1[3-9][0-9]{9}")
CARD = re.compile(r"[0-9]{12,19}")
LONGEST_NAME = 60


class NotAnIdNumber(Invalid):
    code = "not_an_id_number"


class NotAMobile(Invalid):
    code = "not_a_mobile"


class NotACard(Invalid):
    code = "not_a_card"


class NotAnEmail(Invalid):
    code = "not_an_email"


class NotAName(Invalid):
    code = "not_a_name"


def narrow(text: str) -> str:
    """Return `text` without white space, with the full-width digits of a Chinese keyboard as plain ones."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def id_number(text: str, *, on: date) -> str:
    """Return a Chinese resident id number in canonical form (18 characters, ISO 7064 MOD 11-2, GB 11643-1999).

    :raises NotAnIdNumber: with a sentence that says which part is wrong
    """
    value = narrow(text).upper()
    if not ID_NUMBER.fullmatch(value):
        raise NotAnIdNumber(_("Enter the id number as 18 characters: 17 digits and a digit or X."))
    try:
        born = date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        raise NotAnIdNumber(_("The birth date inside the id number does not exist.")) from None
    if not date(1900, 1, 1) <= born <= on:
        raise NotAnIdNumber(_("The birth date inside the id number does not exist."))
    if ric.calc_check_digit(value) != value[-1]:  # it wants the whole number and looks at the first 17
        raise NotAnIdNumber(_("The last character of the id number does not match the others: check for a typing error."))
    return value


def filed_forms(text: str) -> dict[str, str]:
    """Return `text` as it would be filed as each identifier; whether it can be one is not asked here."""
    compact = narrow(text)
    return {
        "id_number": compact.upper(),
        "mobile": without_prefix(compact),
        "bank_card": compact.replace("-", ""),
        "name": re.sub(r"\s+", " ", text).strip(),
    }


def is_whole(text: str) -> bool:
    """Return whether `text` is as long as a mobile, an id number or a card is: nobody types so much on the way to something else."""
    filed = filed_forms(text)
    return bool(
        MOBILE.fullmatch(filed["mobile"]) or ID_NUMBER.fullmatch(filed["id_number"]) or re.fullmatch(r"[0-9]{16,19}", filed["bank_card"])
    )


def without_prefix(compact: str) -> str:
    """Return a mobile number without punctuation and country code; gateways also write that as a bare 86."""
    return re.sub(r"^(\+86|0086|86(?=1[3-9][0-9]{9}$))", "", re.sub(r"[\-()]", "", compact))


def mobile(text: str) -> str:
    """Return a mainland mobile number as 11 digits.

    :raises NotAMobile: if it is not one
    """
    value = without_prefix(narrow(text))
    if not MOBILE.fullmatch(value):
        raise NotAMobile(_("Enter the mobile as 11 digits, such as 13800001234."))
    return value


def bank_card(text: str) -> str:
    """Return a bank card number, 12 to 19 digits that pass the Luhn check (ISO/IEC 7812-1).

    :raises NotACard: if it does not
    """
    value = narrow(text).replace("-", "")
    if not CARD.fullmatch(value):
        raise NotACard(_("Enter the card number as 12 to 19 digits."))
    if not luhn.is_valid(value):
        raise NotACard(_("The card number does not pass its check digit: check for a typing error."))
    return value


def name(text: str) -> str:
    """Return a person's name with single spaces.

    :raises NotAName: if it is empty, longer than 60 characters, or has no letter
    """
    value = re.sub(r"\s+", " ", text).strip()
    if not value or not any(character.isalpha() for character in value):
        raise NotAName(_("Enter the name."))
    if len(value) > LONGEST_NAME:
        raise NotAName(_("Enter the name with at most 60 characters."))
    return value


def email(text: str) -> str:
    """Return a mail address as it is written, its host in small letters.

    :raises NotAnEmail: if it is not one
    """
    local, _at, host = unicodedata.normalize("NFKC", text).strip().rpartition("@")
    value = f"{local}@{host.lower()}"
    try:
        if len(value) > 200 or not value.isascii():
            raise ValidationError("")
        validate_email(value)
    except ValidationError:
        raise NotAnEmail(_("Enter the e-mail address as name@host, such as wang@example.com.")) from None
    return value
