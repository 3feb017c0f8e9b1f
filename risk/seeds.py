"""What every installation starts with: the shipped policy, live. The scorecard comes from data, by training."""

from django.utils.timezone import now

from governance import users
from risk import behaviour_rules, bureau_rules, monitor_rules, registry, words
from risk.models import StrategyVersion


def seed() -> None:
    """Register the shipped policy where it is missing: live where nothing is, else as a draft for people to look at.

    What decides already is never changed by a seed. The bounds of monitoring and of the behaviour score and the rules of the
    bureau come with it.
    """
    monitor_rules.seed()
    behaviour_rules.seed()
    bureau_rules.seed()
    content = (words.data(registry.RETAIL), words.data("input_schema"), words.data("policy_reasons"))
    known = StrategyVersion.objects.filter(strategy__code=registry.RETAIL)
    if known.filter(sha256=registry.content_sha256(*content)).exists():
        return
    first = not known.exists()
    actor, at = users.system(), now()
    graph, input_schema, reasons = content
    version = registry.add_strategy_version(
        code=registry.RETAIL,
        name_en="Retail instalment",
        name_zh="零售分期",
        graph=graph,
        input_schema=input_schema,
        reasons=reasons,
        actor=actor,
        at=at,
        note="shipped policy" if first else "shipped with this release: compare it with what is live before it is released",
    )
    if first:
        registry.make_live(version, actor=actor, at=at)
