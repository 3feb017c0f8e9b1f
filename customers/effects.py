"""What ends when a consent is withdrawn: each app declares it, staff read it before, the withdrawal carries it out in its own transaction.

Nothing here undoes what was lawful while the consent held: withdrawal works for the future (PIPL art. 15, not verified).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.lib.registry import Registry
from customers.models import Customer
from governance.models import User


@dataclass(frozen=True)
class Effect:
    """One consequence. `foresee(customer)` says in words what it will do; `carry` does it and returns how many things it stopped."""

    name: str
    kinds: tuple[str, ...]
    label: Any
    foresee: Callable[[Customer], Any]
    carry: Callable[..., int] | None = None


EFFECTS: Registry[Effect] = Registry("effect of a withdrawal")


def declare(
    name: str, *kinds: str, label: Any, foresee: Callable[[Customer], Any] | None = None, carry: Callable[..., int] | None = None
) -> None:
    """Declare what ends with a consent of one of `kinds`; without `carry` it ends because a rule asks for the consent each time."""
    EFFECTS.register(name, Effect(name, kinds, label, foresee or (lambda customer: label), carry))


def of(kind: str) -> list[Effect]:
    return [effect for effect in EFFECTS.values() if kind in effect.kinds]


def foreseen(customer: Customer, kind: str) -> list[str]:
    """Return in words what a withdrawal will do."""
    return [str(effect.foresee(customer)) for effect in of(kind)]


def carry(customer: Customer, kind: str, *, actor: User, at: datetime) -> dict[str, int]:
    """Carry out what ends; returns effect → how many things it stopped. Runs inside the withdrawal's transaction."""
    return {effect.name: effect.carry(customer, actor=actor, at=at) if effect.carry else 0 for effect in of(kind)}
