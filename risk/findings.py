"""What is found wrong with a strategy: a code for programs, a place in the graph, and the values its sentence needs. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or may be. `row` counts from 1; `label` is the node's name."""

    code: str
    level: str
    node: str = ""
    label: str = ""
    row: int = 0
    args: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_error(self) -> bool:
        return self.level == ERROR
