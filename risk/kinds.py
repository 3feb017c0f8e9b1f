"""What a strategy decides about. Lending is the kind of this room; an app above registers its own, and the same registry, editor, life,
linter, cases and document serve it. Pure: the trial process (`probe`) imports the module that registers a kind by its name.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.lib.registry import Registry
from risk.facts import Schema
from risk.findings import Finding

LENDING = "lending"
# conclude(result of the graph, texts of the reasons, what is known of the verdict) → fields of the verdict; whatever is not as agreed raises
Conclude = Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]
Lint = Callable[[Mapping[str, Any], Schema], Iterable[Finding]]
Told = Callable[[Any, str], list[dict[str, Any]]]
Used = Callable[[Any], list[tuple[Any, str]]]


@dataclass(frozen=True)
class Kind:
    """One kind of strategy: what its graph has to end with, how that is read, and what the linter asks beyond the general rules.

    `permission` is what somebody needs beside the rights on strategies to change one of this kind. `results` must be there at the end of
    every path; `known` are names at the end that nothing else reads. `sections` writes the document; none for the general form. `used` says what a
    version did so far, each figure with its words; none for credit decisions by their outcome.
    """

    code: str
    label: Any
    permission: str
    module: str = ""
    outcomes: tuple[str, ...] = ("approve", "refer", "decline")
    results: tuple[str, ...] = ("outcome", "reasons")
    known: frozenset[str] = frozenset({"outcome", "reasons", "grade", "limit", "binding", "annual_rate", "figures"})
    fitting: Lint | None = None
    conclude: Conclude | None = None
    sections: Told | None = None
    used: Used | None = None
    sentences: Mapping[str, Any] = field(default_factory=dict)
    graded: bool = True
    spares: frozenset[str] = frozenset()  # general warnings that say nothing about this kind
    experiments: str = ""  # name of the page where this kind is tried on a share; none for trials
    dry_run: tuple[str, str] = ("", "")  # name of the page that tries a version on the cases of now, and the permission it needs


KINDS: Registry[Kind] = Registry("kind of strategy")


def register(kind: Kind) -> Kind:
    """Add a kind; the same one again is harmless."""
    return kind if kind.code in KINDS else KINDS.register(kind.code, kind)


register(Kind(LENDING, _("Lending"), "risk.change_credit_policy"))


def of(code: str, module: str = "") -> Kind:
    """Return a kind; `module` registers it where no app did, as in a process without them.

    :raises KeyError: if nobody knows it
    """
    if code not in KINDS and module:
        import_module(module)
    return KINDS[code]


def sentence(code: str) -> Any:
    """Return the sentence of a finding that a kind brought; None for one of the general ones."""
    return next((kind.sentences[code] for kind in KINDS.values() if code in kind.sentences), None)
