"""Collection policy every installation starts with. Idempotent."""

from datetime import date
from decimal import Decimal

from django.utils.timezone import now

from collection import call_rules, case_texts, legal_seeds, promise_reminders, quality_seeds, scripts, small_balances, treatment_seeds
from governance import rules
from governance.models import Rule

FROM = date(2025, 1, 1)
OWN, SECOND_HAND = Rule.Verification.POLICY, Rule.Verification.SECONDARY
COMPLAINTS = "Measures for Handling Consumer Complaints of Banking and Insurance 银行业保险业消费投诉处理管理办法 (2020) Art. 21"


def seed() -> None:
    treatment_seeds.seed()
    legal_seeds.seed()
    quality_seeds.seed()
    call_rules.seed()
    scripts.seed(at=now())
    case_texts.seed()
    promise_reminders.seed()
    rules.put(
        "collections.treatment.cost",
        value={
            "sms": "0.05",
            "email": "0.01",
            "app": "0.00",
            "ivr": "0.30",
            "call": "4.00",
            "letter": "6.00",
            "visit": "120.00",
            "agency": "0.00",
            "legal": "300.00",
        },
        unit=rules.TEXT,
        meaning_en="What one step of a treatment costs, by act, CNY",
        meaning_zh="处置步骤的单次成本（元，按方式）",
        citation="house policy 本机构政策",
        verification=OWN,
        effective_from=FROM,
    )
    rules.put(
        small_balances.RULE,
        value={"": "1.00"},
        unit=rules.TEXT,
        meaning_en="Small remainder, CNY: up to it nobody is called, a message reminds; for all, or by product or lender",
        meaning_zh="小额尾款（元）：不超过此数不致电，仅以消息提醒；可按产品或机构分别设定",
        citation="house policy 本机构政策",
        verification=OWN,
        effective_from=FROM,
    )
    rules.put(
        "collections.recording.years",
        value=5,
        unit=rules.COUNT,
        meaning_en="Years a recording of a call is kept at least",
        meaning_zh="通话录音最短保存年限",
        citation="house policy 本机构政策",
        verification=OWN,
        effective_from=FROM,
    )
    rules.put(
        "collections.claim.minutes",
        value=20,
        unit="minutes",
        meaning_en="How long a collector holds a claimed case",
        meaning_zh="催收员领取案件后的占用时长",
        verification=OWN,
        effective_from=FROM,
    )
    rules.put(
        "collections.next_action.days",
        value=60,
        unit=rules.DAYS,
        meaning_en="How far ahead the next action of a case may be planned",
        meaning_zh="案件下一步行动最远可安排的天数",
        verification=OWN,
        effective_from=FROM,
    )
    for code, value, unit, meaning_en, meaning_zh in (
        ("collections.pause.days", 90, rules.DAYS, "Longest pause in the work on a case", "案件最长可暂停的天数"),
        (
            "collections.close.legal_dpd",
            90,
            rules.DAYS,
            "Days past due from which a case may go to court",
            "案件可转入诉讼的最低逾期天数",
        ),
        ("collections.score.cure_days", 14, rules.DAYS, "Days within which a case that pays by itself counts as cured", "自愈统计的天数"),
        (
            "collections.queue.learned",
            0,
            rules.COUNT,
            "Whether a live model of roll-forward orders the queue: 1 yes, 0 the house's formula",
            "队列是否按已上线的下滚模型排序：1是，0按本机构公式",
        ),
        (
            "collections.queue.silent_days",
            7,
            rules.DAYS,
            "Days without contact after which a case moves up",
            "案件未联系达到该天数后优先处理",
        ),
        (
            "collections.skip.hours",
            4,
            "hours",
            "How long a skipped case stays out of the collector's queue",
            "跳过的案件多久后回到本人队列",
        ),
        ("collections.check.minutes", 30, "minutes", "How long a confirmed person stays confirmed", "身份核对通过后的有效时长"),
        ("collections.check.tries", 3, rules.COUNT, "Failed right-party checks a day and case", "每案每日身份核对失败次数上限"),
        (
            "collections.promise.grace_days",
            1,
            rules.DAYS,
            "Days after the promised day on which money still counts",
            "承诺日后仍计入的宽限天数",
        ),
        ("collections.promise.longest_days", 45, rules.DAYS, "How far ahead a promise may reach", "还款承诺最远可约定的天数"),
        ("collections.promise.parts", 6, rules.COUNT, "Most parts of one promise", "一项还款承诺最多分几笔"),
        (
            "collections.placement.earliest_dpd",
            31,
            rules.DAYS,
            "Days past due from which a case may go to an agency",
            "案件可委外的最低逾期天数",
        ),
        ("collections.placement.days", 90, rules.DAYS, "How long an agency has a case", "案件委外期限"),
    ):
        rules.put(code, value=value, unit=unit, meaning_en=meaning_en, meaning_zh=meaning_zh, verification=OWN, effective_from=FROM)
    rules.put(
        "collections.promise.tolerance",
        value=Decimal("1.00"),
        unit=rules.AMOUNT,
        meaning_en="What may lack of a kept promise, and of what is overdue for a promise to pay it in full",
        meaning_zh="承诺兑现允许的差额；承诺金额与逾期总额相差不超过该数即视为足额",
        citation="house policy 本机构政策",
        verification=OWN,
        effective_from=FROM,
    )
    for code, days, meaning_en, meaning_zh, citation, verification in (
        ("collections.dispute.days", 15, "Days to decide a dispute of the debt", "债务异议的处理期限", "house policy 本机构政策", OWN),
        (
            "collections.dispute.bureau_days",
            20,
            "Days to answer an objection to the credit report",
            "征信异议的答复期限",
            "Regulation on the Administration of Credit Reporting 征信业管理条例 Art. 25",
            Rule.Verification.UNVERIFIED,
        ),
        ("collections.complaint.days", 15, "Days to decide a simple complaint", "一般投诉的处理期限", COMPLAINTS, SECOND_HAND),
        ("collections.complaint.complex_days", 30, "Days to decide a complex complaint", "情况复杂的投诉处理期限", COMPLAINTS, SECOND_HAND),
        (
            "collections.complaint.extended_days",
            30,
            "Days that senior staff may add for a complex complaint",
            "经审批可延长的投诉处理天数",
            COMPLAINTS,
            SECOND_HAND,
        ),
    ):
        rules.put(
            code, value=days, unit=rules.DAYS, meaning_en=meaning_en, meaning_zh=meaning_zh, citation=citation,
            verification=verification, effective_from=FROM,
        )  # fmt: skip
    for code, steps, unit, meaning_en, meaning_zh in (
        (
            "collections.settlement.ladder",
            {"1": "0.00", "31": "0.05", "61": "0.10", "91": "0.20", "181": "0.40"},
            "shares",
            "Largest share of a debt that a settlement may forgive, from so many days past due",
            "协商结清按逾期天数可减让的最高比例",
        ),
        (
            "collections.settlement.authority",
            {"collections_supervisor": "0.10", "risk_manager": "0.50"},
            "shares",
            "Largest share of a debt that a role may agree to forgive",
            "各岗位可批准的最高减让比例",
        ),
        (
            "collections.relief.authority_amount",
            {"collections_supervisor": "2000.00", "risk_manager": "50000.00"},
            "amounts",
            "Most that a role may give up by a relief plan, CNY",
            "各岗位可批准的纾困让渡金额上限（元）",
        ),
        (
            "collections.relief.authority_months",
            {"collections_supervisor": "6", "risk_manager": "24"},
            "months",
            "Longest relief plan a role may approve, in months",
            "各岗位可批准的纾困方案最长月数",
        ),
    ):
        rules.put(code, value=steps, unit=unit, meaning_en=meaning_en, meaning_zh=meaning_zh, verification=OWN, effective_from=FROM)
    rules.put(
        "collections.settlement.hardship_extra", value=Decimal("0.10"), unit="share",
        meaning_en="What a hardship that was looked at adds to the share that may be forgiven", meaning_zh="经核实的还款困难可增加的减让比例",
        verification=OWN, effective_from=FROM,
    )  # fmt: skip
    for code, number, unit, meaning_en, meaning_zh in (
        ("collections.settlement.valid_days", 14, rules.DAYS, "How long a settlement may be accepted", "协商结清要约的有效天数"),
        ("collections.settlement.longest_days", 90, rules.DAYS, "How far ahead a settlement may be paid", "协商结清款项最远可约定的天数"),
        ("collections.settlement.parts", 6, rules.COUNT, "Most payments of one settlement", "一项协商结清最多分几笔"),
        (
            "collections.relief.grace_days",
            3,
            rules.DAYS,
            "Days after a due date before a relief plan counts as broken",
            "纾困方案判定违约的宽限天数",
        ),
    ):
        rules.put(code, value=number, unit=unit, meaning_en=meaning_en, meaning_zh=meaning_zh, verification=OWN, effective_from=FROM)
