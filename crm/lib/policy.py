"""What each model says of itself and of its columns: whose, what it means, how sensitive, what for, on which ground, how long."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

# Level 1-5 of JR/T 0197-2020 for a class of JR/T 0171-2020; the mapping is a bank tool's and was not read in the annexes.
LEVEL_OF = {"C1": 2, "C2": 3, "C3": 4}
SUMMED = _("summed and compared in SQL; carries no identifier")


@dataclass(frozen=True)
class Column:
    """What is said of one column beyond its model's word; what is left empty is as the model says.

    `encrypted` is what is meant: it is held against the real field. `search`: none, exact (a fingerprint beside it) or n-gram.
    """

    meaning: Any
    level: int = 0
    mask: str = ""
    purposes: tuple[str, ...] = ()
    basis: str = ""
    retention: Any = ""
    encrypted: bool | None = None
    search: str = "none"
    shared_with: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """The declaration every model carries as `POLICY`; `tests/test_architecture.py` demands it, whole.

    `personal` maps a field's name to its class in JR/T 0171-2020: C3 authentication data, C2 identity and
    finance, C1 internal. A field with class C2 or C3 must be sealed or fingerprinted unless `open_fields` says why not.
    `level`, `kind` (the class), `purposes`, `basis` and `shared_with` hold for every column that does not say otherwise; `lies_open`
    is the reason why columns of level 3 or above that `open_fields` does not name are not sealed. `columns` gives each business column
    its meaning, or a whole `Column`; what the house calls alike everywhere stands in `crm.lib.conventions`.
    """

    owner: str
    meaning: Any
    retention: Any
    personal: Mapping[str, str] = field(default_factory=dict)
    open_fields: Mapping[str, Any] = field(default_factory=dict)
    level: int = 0
    kind: str = ""
    purposes: tuple[str, ...] = ()
    basis: str = ""
    shared_with: tuple[str, ...] = ()
    lies_open: Any = ""
    columns: Mapping[str, Any] = field(default_factory=dict)

    def column(self, name: str) -> Column | None:
        """Return what is said of a column; None when nothing is."""
        said = self.columns.get(name)
        return said if said is None or isinstance(said, Column) else Column(said)
