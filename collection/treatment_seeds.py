"""The shipped treatment strategy: live where there is none, else a draft beside what serves already. Idempotent."""

from django.utils.timezone import now

from collection import treatment_shape as shape
from collection import treatment_texts
from governance import users
from risk import registry, strategy_cases
from risk.models import StrategyCase, StrategyVersion


def seed() -> None:
    """Register the words, the strategy and its saved cases. What decides already is never changed by a seed."""
    treatment_texts.seed()
    brought = shape.shipped()
    graph, schema, reasons = brought["graph"], brought["input_schema"], brought["reasons"]
    known = StrategyVersion.objects.filter(strategy__code=shape.CODE)
    if known.filter(sha256=registry.content_sha256(graph, schema, reasons)).exists():
        return
    first = not known.exists()
    actor, at = users.system(), now()
    version = registry.add_strategy_version(
        code=shape.CODE, name_en="Collections treatment", name_zh="催收处置策略", graph=graph, input_schema=schema, reasons=reasons,
        actor=actor, at=at, kind=shape.KIND,
        note="shipped paths" if first else "shipped with this release: compare it with what is live before it is released",
    )  # fmt: skip
    if first:
        registry.make_live(version, actor=actor, at=at)
    names = set(StrategyCase.objects.filter(strategy=version.strategy).values_list("name", flat=True))
    for case in brought["cases"]:
        if case["name"] not in names:
            strategy_cases.add(
                version.strategy, name=case["name"], facts_given=case["facts"], expected=case["expected"], actor=actor, at=at
            )
