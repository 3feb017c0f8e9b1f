"""What every installation starts with: the first version of the retail strategy, live. The scorecard comes from data, by training."""

from django.utils.timezone import now

from governance import users
from risk import behaviour_rules, monitor_rules, registry, words
from risk.models import StrategyVersion


def seed() -> None:
    """Register the retail strategy when it is missing; a strategy that was changed stays as it is. The bounds of monitoring too."""
    monitor_rules.seed()
    behaviour_rules.seed()
    if StrategyVersion.objects.filter(strategy__code=registry.RETAIL).exists():
        return
    actor, at = users.system(), now()
    version = registry.add_strategy_version(
        code=registry.RETAIL,
        name_en="Retail instalment",
        name_zh="零售分期",
        graph=words.data(registry.RETAIL),
        input_schema=words.data("input_schema"),
        reasons=words.data("policy_reasons"),
        actor=actor,
        at=at,
        note="first version",
    )
    registry.make_live(version, actor=actor, at=at)
