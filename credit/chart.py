"""The chart of accounts as data: which account takes what, for which product, from which day; changed by two persons."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from credit.models import AccountMapping, GLAccount, Posting, Product
from credit.permissions import CHECK_BOOKS
from crm.lib.errors import Invalid
from governance import changes
from governance.changes import Kind, Line
from governance.models import ChangeRequest, LegalEntity, User
from ledger import log

ACCOUNT, MAPPING = "credit.gl_account", "credit.gl_mapping"
CODE = re.compile(r"[0-9]{4,10}")
SINCE = date(2000, 1, 1)  # from when the seeded mapping holds
ASSET, LIABILITY, INCOME, EXPENSE, OFF = (
    GLAccount.Kind.ASSET, GLAccount.Kind.LIABILITY, GLAccount.Kind.INCOME, GLAccount.Kind.EXPENSE, GLAccount.Kind.OFF_BALANCE,
)  # fmt: skip

INTEREST_INCOME, FEE_INCOME, PENALTY_INCOME = "interest_income", "fee_income", "penalty_income"
OFF_INTEREST, OFF_PENALTY, OFF_CONTRA = "off_interest", "off_penalty", "off_contra"
SUSPENSE, PROVISION, MANUAL = "suspense", "provision", "manual"
FEE_PAYABLE = "fee_payable"
ALLOWANCES = {1: "allowance_1", 2: "allowance_2", 3: "allowance_3"}  # by stage of credit risk
OFF_FEE, OFF_PRINCIPAL, OFF_COMMITMENT = "off_fee", "off_principal", "off_commitment"
UNMAPPED = "unmapped"

# What only the general ledger has, beside the accounts of the sub-ledger.
PURPOSES: dict[str, Any] = {
    **{str(value): label for value, label in Posting.Account.choices},
    Posting.Account.INTEREST: _("Interest receivable"),
    Posting.Account.FEE: _("Fees receivable"),
    Posting.Account.PENALTY: _("Penalty interest receivable"),
    INTEREST_INCOME: _("Interest income"),
    FEE_INCOME: _("Fee income"),
    PENALTY_INCOME: _("Penalty interest income"),
    FEE_PAYABLE: _("Fees collected for others"),
    OFF_INTEREST: _("Interest not accrued, off balance sheet"),
    OFF_PENALTY: _("Penalty interest not accrued, off balance sheet"),
    OFF_FEE: _("Fees of loans charged off, off balance sheet"),
    OFF_PRINCIPAL: _("Principal charged off and still owed, off balance sheet"),
    OFF_COMMITMENT: _("Limits granted and not drawn, off balance sheet"),
    OFF_CONTRA: pgettext_lazy("account", "Contra of what is off balance sheet"),
    SUSPENSE: _("Money received that nobody could place yet"),
    ALLOWANCES[1]: _("Allowance for losses, stage 1"),
    ALLOWANCES[2]: _("Allowance for losses, stage 2"),
    ALLOWANCES[3]: _("Allowance for losses, stage 3"),
    PROVISION: _("Cost of the allowance for losses"),
    MANUAL: _("Written by hand"),
    UNMAPPED: _("What no account is named for"),
}

# code, kind, English, Chinese, what it takes; numbers of the first four digits as in the Ministry of Finance's list of accounts
SEEDED: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
    ("100201", ASSET, "Deposits with banks – lending", "银行存款—放款及收款户", (Posting.Account.CASH,)),
    ("113201", ASSET, "Interest receivable – loans", "应收利息—贷款利息", (Posting.Account.INTEREST,)),
    ("113202", ASSET, "Interest receivable – penalty interest", "应收利息—罚息", (Posting.Account.PENALTY,)),
    ("122101", ASSET, "Other receivables – fees", "其他应收款—应收手续费", (Posting.Account.FEE,)),
    ("130301", ASSET, "Loans – principal of consumer loans", "贷款—个人消费贷款本金", (Posting.Account.PRINCIPAL, Posting.Account.CHARGED_OFF)),
    ("130401", ASSET, "Allowance for loan losses", "贷款损失准备", tuple(ALLOWANCES.values())),
    ("190101", ASSET, "Entries to be clarified", "待处理分录—未映射科目", (UNMAPPED,)),
    ("224101", LIABILITY, "Other payables – customers' over-payments", "其他应付款—客户溢缴款", (Posting.Account.OVERPAYMENT,)),
    ("224102", LIABILITY, "Other payables – receipts to be identified", "其他应付款—待查明款项", (SUSPENSE,)),
    ("224103", LIABILITY, "Other payables – fees collected for others", "其他应付款—代收第三方费用", (FEE_PAYABLE,)),
    ("601101", INCOME, "Interest income – loans", "利息收入—贷款利息", (INTEREST_INCOME,)),
    ("601102", INCOME, "Interest income – penalty interest", "利息收入—罚息", (PENALTY_INCOME,)),
    ("602101", INCOME, "Fee and commission income – loans", "手续费及佣金收入—贷款手续费", (FEE_INCOME,)),
    ("611101", INCOME, "Result of sales of loans", "投资收益—贷款转让损益", (Posting.Account.SALE_RESULT,)),
    ("630101", INCOME, "Recoveries of loans written off", "营业外收入—已核销贷款收回", (Posting.Account.RECOVERY,)),
    ("670201", EXPENSE, "Loans written off", "信用减值损失—贷款核销", (Posting.Account.LOSS,)),
    ("670202", EXPENSE, "Credit impairment losses – loans", "信用减值损失—贷款减值准备", (PROVISION,)),
    ("710101", OFF, "Uncollected interest off balance sheet", "表外应收未收利息", (OFF_INTEREST,)),
    ("710102", OFF, "Uncollected penalty interest off balance sheet", "表外应收未收罚息", (OFF_PENALTY,)),
    ("710103", OFF, "Uncollected fees off balance sheet", "表外应收未收手续费", (OFF_FEE,)),
    ("710104", OFF, "Loans charged off and still owed", "表外已核销未结清贷款本金", (OFF_PRINCIPAL,)),
    ("710105", OFF, "Limits granted and not drawn", "表外贷款承诺—未使用授信额度", (OFF_COMMITMENT,)),
    ("719901", OFF, "Contra of off-balance items", "表外科目对转", (OFF_CONTRA,)),
)  # fmt: skip
SEEDED_PURPOSES = {str(purpose) for *_account, takes in SEEDED for purpose in takes}


class AccountTaken(Invalid):
    """A code names one account."""

    code = "account_taken"


class DayWritten(Invalid):
    """What is written stays: another account begins with a day that is not closed yet."""

    code = "day_written"


def seed(entity: LegalEntity, *, at: datetime) -> None:
    """Create what is missing: an account for each purpose that none is named for. What stands is left as it is."""
    named = set(AccountMapping.objects.filter(legal_entity=entity, product_code="").values_list("purpose", flat=True))
    known = {row.code: row for row in GLAccount.objects.filter(legal_entity=entity)}
    rows = [
        GLAccount(legal_entity=entity, code=code, kind=kind, name_en=en, name_zh=zh, added_at=at)
        for code, kind, en, zh, takes in SEEDED
        if code not in known and {str(purpose) for purpose in takes} - named
    ]
    known |= {row.code: row for row in GLAccount.objects.bulk_create(rows)}
    AccountMapping.objects.bulk_create(
        AccountMapping(legal_entity=entity, purpose=str(purpose), account=known[code], effective_from=SINCE, added_at=at)
        for code, _kind, _en, _zh, takes in SEEDED
        for purpose in takes
        if purpose not in named
    )


@dataclass(frozen=True)
class Chart:
    """What goes where on a day: product and purpose → account; a product's own row goes before that of every product."""

    places: dict[tuple[str, str], int]
    unmapped: int
    since: date  # the last day on which any of it began

    def account(self, product_code: str, purpose: str) -> int:
        """Return the account's id; what nobody named an account for goes to the one of entries to be clarified."""
        found = self.places.get((product_code, purpose)) or self.places.get(("", purpose))
        return self.unmapped if found is None else found


def on(entity: LegalEntity, day: date, *, at: datetime) -> Chart:
    """Return the chart of `entity` as it holds on a day; the first use seeds it, and a later one what a new release has added."""
    rows = standing(entity, day)
    if SEEDED_PURPOSES - {row.purpose for row in rows if not row.product_code}:
        seed(entity, at=at)
        rows = standing(entity, day)
    places = {(row.product_code, row.purpose): row.account_id for row in rows}
    return Chart(places, places["", UNMAPPED], max(row.effective_from for row in rows))


def standing(entity: LegalEntity, day: date) -> list[AccountMapping]:
    """Return the mapping that holds on a day, one row per product and purpose."""
    rows = AccountMapping.objects.filter(legal_entity=entity, effective_from__lte=day).select_related("account")
    return list(rows.order_by("product_code", "purpose", "-effective_from").distinct("product_code", "purpose"))


def to_come(entity: LegalEntity, day: date) -> list[AccountMapping]:
    """Return the rows that begin after a day."""
    rows = AccountMapping.objects.filter(legal_entity=entity, effective_from__gt=day).select_related("account")
    return list(rows.order_by("effective_from", "product_code", "purpose"))


def products(entity: LegalEntity) -> dict[str, str]:
    """Return the products of `entity` by code, each under the name of its latest version."""
    rows = Product.objects.filter(legal_entity=entity).order_by("code", "version").only("code", "name_en", "name_zh")
    return {row.code: row.name for row in rows}


# --- doors: each a change that a second person confirms ----------------------------------------------------------------
def propose_account(
    entity: LegalEntity, code: str, *, name_en: str, name_zh: str, kind: str, reason: str, actor: User, at: datetime, new: bool = False
) -> ChangeRequest:
    """Propose an account, or other names for one.

    :raises AccountTaken: if a new account's code names another one
    :raises Invalid: for a code that is not of four to ten digits, a missing name, or another kind for an account that is there
    """
    if new and GLAccount.objects.filter(legal_entity=entity, code=code).exists():
        sentence = _("There is an account %(code)s already.") % {"code": code}
        raise AccountTaken(sentence, fields={"code": sentence})
    after = {"name_en": name_en.strip(), "name_zh": name_zh.strip(), "kind": str(kind)}
    return changes.propose(ACCOUNT, f"{entity.code}:{code}", after=after, reason=reason, actor=actor, at=at)


def propose_mapping(
    entity: LegalEntity, *, product_code: str, purpose: str, account: str, since: date, reason: str, actor: User, at: datetime
) -> ChangeRequest:
    """Propose that from `since` on what is posted for `purpose` goes to another account; the balance of the old one follows it.

    :raises DayWritten: if `since` is closed already
    :raises Invalid: for an unknown product, purpose or account
    """
    after = {"account": account, "since": since.isoformat()}
    return changes.propose(MAPPING, f"{entity.code}:{product_code}:{purpose}", after=after, reason=reason, actor=actor, at=at)


def _entity(code: str) -> LegalEntity:
    return LegalEntity.objects.get(code=code)


def _account(subject: str) -> dict[str, Any]:
    entity, code = subject.split(":")
    row = GLAccount.objects.filter(legal_entity__code=entity, code=code).first()
    return {"name_en": row.name_en, "name_zh": row.name_zh, "kind": row.kind} if row else {}


def _check_account(subject: str, after: dict[str, Any]) -> None:
    code = subject.split(":")[1]
    if not CODE.fullmatch(code):
        sentence = _("The number of an account has four to ten digits.")
        raise Invalid(sentence, fields={"code": sentence})
    for name in ("name_en", "name_zh"):
        if not 0 < len(after[name]) <= 120:
            raise Invalid(_("An account has a name in both languages."), fields={name: _("One to 120 characters.")})
    if after["kind"] not in GLAccount.Kind.values:
        raise Invalid(_("Choose what kind of account it is."), fields={"kind": _("Choose what kind of account it is.")})
    now = _account(subject)
    if now and now["kind"] != after["kind"]:
        sentence = _("The kind of an account stays: what was written on it would change its meaning.")
        raise Invalid(sentence, fields={"kind": sentence})


def _account_lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    labels = {"name_en": _("Name in English"), "name_zh": _("Name in Chinese"), "kind": _("Kind")}
    kinds = dict(GLAccount.Kind.choices)

    def said(name: str, values: dict[str, Any]) -> Any:
        return kinds.get(values.get(name, ""), "") if name == "kind" else values.get(name, "")

    return [Line(labels[name], said(name, before), said(name, after)) for name in labels if before.get(name) != after[name]]


def _make_account(subject: str, after: dict[str, Any], *, actor: User, at: datetime) -> GLAccount:
    entity, code = subject.split(":")
    row = GLAccount.objects.filter(legal_entity__code=entity, code=code).first()
    row = row or GLAccount(legal_entity=_entity(entity), code=code, kind=after["kind"], added_at=at, version=0)
    row.name_en, row.name_zh, row.version = after["name_en"], after["name_zh"], row.version + 1
    row.save()
    log.record("credit.glaccount.kept", row, actor=actor, at=at, code=code, kind=row.kind)
    return row


def _mapping(subject: str) -> dict[str, Any]:
    entity, product_code, purpose = subject.split(":")
    rows = AccountMapping.objects.filter(legal_entity__code=entity, product_code=product_code, purpose=purpose)
    row = rows.select_related("account").order_by("-effective_from").first()
    return {"account": row.account.code, "since": row.effective_from.isoformat()} if row else {}


def _check_mapping(subject: str, after: dict[str, Any]) -> None:
    code, product_code, purpose = subject.split(":")
    entity = _entity(code)
    if purpose not in PURPOSES:
        raise Invalid(_("Choose what is posted."), fields={"purpose": _("Choose what is posted.")})
    if product_code and product_code not in products(entity):
        raise Invalid(_("There is no such product."), fields={"product": _("There is no such product.")})
    account = GLAccount.objects.filter(legal_entity=entity, code=after["account"]).first()
    if account is None:
        raise Invalid(_("There is no such account."), fields={"account": _("There is no such account.")})
    if (account.kind == OFF) != purpose.startswith("off_"):
        sentence = _("What stands off the balance sheet and what stands on it have accounts apart.")
        raise Invalid(sentence, fields={"account": sentence})
    since, now = date.fromisoformat(after["since"]), _mapping(subject)
    if now and since <= date.fromisoformat(now["since"]):
        later = _("Another account begins after the one that stands: after %(day)s.") % {"day": now["since"]}
        raise Invalid(later, fields={"since": later})
    if since < entity.business_date:
        written = _("%(day)s is closed and written: choose %(open)s or a later day.") % {
            "day": since.isoformat(), "open": entity.business_date.isoformat(),
        }  # fmt: skip
        raise DayWritten(written, fields={"since": written})


def _mapping_lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    labels = {"account": _("Account"), "since": _("From")}
    return [Line(labels[name], before.get(name, ""), after[name]) for name in labels if before.get(name) != after[name]]


def _make_mapping(subject: str, after: dict[str, Any], *, actor: User, at: datetime) -> AccountMapping:
    _check_mapping(subject, after)  # a day may have been closed while it waited
    code, product_code, purpose = subject.split(":")
    entity = _entity(code)
    row = AccountMapping.objects.create(
        legal_entity=entity, product_code=product_code, purpose=purpose, effective_from=date.fromisoformat(after["since"]), added_at=at,
        account=GLAccount.objects.get(legal_entity=entity, code=after["account"]),
    )  # fmt: skip
    log.record("credit.accountmapping.added", row, actor=actor, at=at, product=product_code, purpose=purpose, **after)
    return row


def _account_name(subject: str, after: dict[str, Any]) -> Any:
    return _("Account %(code)s") % {"code": subject.split(":")[1]}


def _mapping_name(subject: str, after: dict[str, Any]) -> Any:
    _code, product, purpose = subject.split(":")
    what = PURPOSES.get(purpose, purpose)
    return _("%(what)s, %(product)s") % {"what": what, "product": product} if product else what


def _page(subject: str) -> str:
    return reverse("chart-of-accounts")


changes.KINDS.register(
    ACCOUNT,
    Kind(_("Account of the general ledger"), CHECK_BOOKS, _account, _check_account, _account_lines, _make_account, _account_name, _page),
)
changes.KINDS.register(
    MAPPING,
    Kind(_("What goes to which account"), CHECK_BOOKS, _mapping, _check_mapping, _mapping_lines, _make_mapping, _mapping_name, _page),
)


def waiting(entity: LegalEntity) -> Sequence[ChangeRequest]:
    """Return the changes of the chart that wait for a second person."""
    rows = ChangeRequest.objects.filter(
        kind__in=(ACCOUNT, MAPPING), subject__startswith=f"{entity.code}:", status=ChangeRequest.Status.OPEN
    )
    return list(rows.select_related("made_by").order_by("pk"))
