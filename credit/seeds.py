"""What every installation starts with: the rules that credit reads, with their sources, and a first product. Idempotent."""

from datetime import date
from decimal import Decimal

from django.conf import settings
from django.utils.timezone import now

from credit import (
    act_builds,
    acts,
    cap_seeds,
    charge_off_books,
    chart,
    clocks,
    close_rules,
    counter_links,
    customer_payments,
    devices,
    expiry,
    exposure,
    four_eyes,
    general_ledger,
    links,
    offers,
    paper_seeds,
    papers,
    payoffs,
    reminder_seeds,
    report_rules,
)
from credit.models import Product
from customers.messages_seeds import words
from governance import rules, users
from governance.models import LegalEntity, Rule

CODE = "CASH-12"


def seed() -> None:
    """Create the rules, and for each legal entity the product, that are missing."""
    seed_rules()
    words(
        links.KIND,
        "sms",
        body_en="[{lender}] Your loan offer is ready. Read what it costs and accept it until {day}: {url} Nobody else should open this link.",
        body_zh="【{lender}】您的贷款要约已生成，请于{day}前查看综合融资成本并确认：{url} 请勿将链接转发他人。",
    )
    words(
        counter_links.KIND,
        "sms",
        body_en="[{lender}] We can offer you other terms than you asked for. Read them and answer until {day}: {url} Nobody else should open this link.",
        body_zh="【{lender}】针对您的申请，我们提供调整后的方案，请于{day}前查看并答复：{url} 请勿将链接转发他人。",
    )
    cap_seeds.seed()
    reminder_seeds.seed()
    paper_seeds.seed()
    close_rules.seed()
    report_rules.seed()
    for entity in LegalEntity.objects.order_by("pk"):
        product_for(entity)
        chart.seed(entity, at=now())
    charge_off_books.post_missing(actor=users.system(), at=now())


def seed_rules() -> None:
    rules.put(
        devices.KEPT,
        value=365,
        unit=rules.DAYS,
        meaning_en="Days for which the fingerprint of an applicant's device is kept",
        meaning_zh="申请设备指纹的保存天数",
        verification=Rule.Verification.POLICY,
        effective_from=date(2020, 1, 1),
    )
    rules.put(
        acts.COOLING_OFF,
        value=7,
        unit=rules.DAYS,
        meaning_en="Days after the money went out in which a contract is cancelled by giving the principal back",
        meaning_zh="放款后冷静期天数：期内归还本金即可解除合同",
        verification=Rule.Verification.POLICY,
        effective_from=date(2020, 1, 1),
    )
    for code, value, unit, en, zh in (
        (
            act_builds.NOTICE_DAYS,
            15,
            rules.DAYS,
            "Days between the notice and the day on which the whole balance is demanded",
            "提前到期通知送达至全部债权到期的最短天数",
        ),
        (act_builds.RELIEF_LONGEST, 366, rules.DAYS, "Longest hardship relief", "困难客户纾困安排的最长期限"),
        (
            act_builds.RELIEF_WATCHED,
            1,
            rules.COUNT,
            "Whether a loan with hardship relief is watched like a restructured one: 1 yes, 0 no",
            "纾困贷款是否按重组贷款管理（观察期及分类下限）：1是，0否",
        ),
    ):
        rules.put(
            code,
            value=value,
            unit=unit,
            meaning_en=en,
            meaning_zh=zh,
            citation="house policy 本机构政策",
            verification=Rule.Verification.POLICY,
            effective_from=date(2020, 1, 1),
        )
    rules.put(
        customer_payments.ORDER,
        value={"": "oldest_due"},
        unit=rules.TEXT,
        meaning_en="Order in which one payment is spread over a customer's loans, by lender: oldest_due, highest_dpd, highest_rate, smallest_due",
        meaning_zh="客户一笔还款在其多笔贷款间的分配顺序（按机构）：最早到期优先、逾期最久优先、利率最高优先、应还最少优先",
        citation="house policy 本机构政策",
        verification=Rule.Verification.POLICY,
        effective_from=date(2020, 1, 1),
    )
    rules.put(
        exposure.CAP,
        value=Decimal("200000.00"),
        unit=rules.AMOUNT,
        meaning_en="Most that may be lent to one person, over all lines",
        meaning_zh="对单个借款人的授信额度上限",
        citation="《消费金融公司管理办法》（国家金融监督管理总局令2024年第4号）：对借款人贷款授信额度最高不得超过人民币20万元",
        verification=Rule.Verification.SECONDARY,
        effective_from=date(2020, 1, 1),
    )
    rules.put(
        offers.READING_SECONDS,
        value=5,
        unit=rules.COUNT,
        meaning_en="Seconds the cost table has to be on the screen before it can be confirmed",
        meaning_zh="综合融资成本明示表的最短阅读秒数",
        verification=Rule.Verification.POLICY,
        effective_from=date(2020, 1, 1),
    )
    rules.put(
        expiry.DRAFT_DAYS,
        value=90,
        unit=rules.DAYS,
        meaning_en="Days after which an application nobody took further ends",
        meaning_zh="未推进进件的自动失效天数",
        verification=Rule.Verification.POLICY,
        effective_from=date(2020, 1, 1),
    )
    for code, value, unit, en, zh in (
        (clocks.REVIEW_HOURS, 24, "hours", "Hours in which a referred application is to be decided", "转人工进件的审批时限（小时）"),
        (clocks.PAPERS_DAYS, 7, rules.DAYS, "Days an applicant usually has to bring papers", "申请人补充资料的通常期限（天）"),
        (
            clocks.LAST_DAYS,
            3,
            rules.DAYS,
            "Days between the reminder about papers and the end of the application",
            "补件提醒后至进件失效的天数",
        ),
        (clocks.COUNTER_DAYS, 14, rules.DAYS, "Days a counter-offer stands", "调整方案的有效天数"),
    ):
        rules.put(
            code,
            value=value,
            unit=unit,
            meaning_en=en,
            meaning_zh=zh,
            verification=Rule.Verification.POLICY,
            effective_from=date(2020, 1, 1),
        )
    rules.put(
        four_eyes.SUSPENSE_ABOVE,
        value=Decimal("10000.00"),
        unit=rules.AMOUNT,
        meaning_en="Unmatched money above this amount is allocated or returned by two people",
        meaning_zh="超过该金额的挂账款项，匹配或退回须双人复核",
        verification=Rule.Verification.POLICY,
        effective_from=date(2020, 1, 1),
    )
    rules.put(
        payoffs.LONGEST,
        value=15,
        unit=rules.DAYS,
        meaning_en="Most days ahead for which a payoff quote is given",
        meaning_zh="结清试算最长可预约的天数",
        verification=Rule.Verification.POLICY,
        effective_from=date(2020, 1, 1),
    )

    rules.put(
        general_ledger.STOPS_AFTER,
        value=90,
        unit=rules.DAYS,
        meaning_en="Days past due beyond which interest is no longer accrued on the balance sheet",
        meaning_zh="贷款逾期超过该天数后，应收利息停止计入当期损益并转表外核算",
        citation="财政部《关于缩短金融企业应收利息核算期限的通知》（财金〔2002〕5号）：逾期90天（不含90天）以上，应收未收利息在表外核算",
        verification=Rule.Verification.UNVERIFIED,
        effective_from=date(2002, 1, 1),
    )


def product_for(entity: LegalEntity) -> Product:
    """Return the consumer instalment loan of `entity`, made live if there is none."""
    product, _created = Product.objects.get_or_create(
        legal_entity=entity,
        code=CODE,
        version=1,
        defaults={
            "name_en": "Consumer instalment loan",
            "name_zh": "消费分期贷款",
            "live": True,
            "currency": settings.CURRENCY,
            "amount_min": Decimal("200.00"),
            "amount_max": Decimal("50000.00"),
            "term_min": 3,
            "term_max": 72,
            "rates_by_grade": {"A": "0.108000", "B": "0.132000", "C": "0.156000", "D": "0.180000", "E": "0.216000"},
            "grace_days": 3,
            "penalty_multiplier": Decimal("1.500"),
            "papers": [dict(item) for item in papers.DEFAULT],
        },
    )
    return product
