"""What each model says of itself: who answers for it, how long it is kept, what in it is personal."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Policy:
    """The declaration every model carries as `POLICY`; `tests/test_architecture.py` demands it.

    `personal` maps a field's name to its class in JR/T 0171-2020: C3 authentication data, C2 identity and
    finance, C1 internal. A field with class C2 or C3 must be sealed or fingerprinted unless `open_fields` says why not.
    """

    owner: str
    meaning: str
    retention: str
    personal: Mapping[str, str] = field(default_factory=dict)
    open_fields: Mapping[str, str] = field(default_factory=dict)
