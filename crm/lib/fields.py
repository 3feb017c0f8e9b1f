"""Column types every app uses: money, rates, public ids."""

import secrets
from typing import Any

from django.db import models

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no 0/O, 1/I/L, U: read aloud over a telephone
LENGTH = 9  # 30^9 = 2e13: a guess among a million records succeeds once in twenty million tries


class MoneyField(models.DecimalField):
    """An amount in the installation's currency, `numeric(14,2)`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"], kwargs["decimal_places"] = 14, 2
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, float):
            raise TypeError(f"{self.name}: money is Decimal, not float")
        return super().get_prep_value(value)


class RateField(models.DecimalField):
    """A share or annual rate as a fraction, `numeric(9,6)`: 0.180000 is 18 % a year."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"], kwargs["decimal_places"] = 9, 6
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs


def public_id(prefix: str) -> str:
    """Return a new public id such as `L-7K2M9QXAB`, neither guessable nor countable."""
    return f"{prefix}-" + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


class PublicIdField(models.CharField):
    """The id that leaves the system, in URLs and the API; made in Python, unique, never changed."""

    def __init__(self, *args: Any, prefix: str, **kwargs: Any) -> None:
        self.prefix = prefix
        kwargs.update(max_length=16, unique=True, editable=False, default=self.make)
        super().__init__(*args, **kwargs)

    def make(self) -> str:
        return public_id(self.prefix)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        for key in ("max_length", "unique", "editable", "default"):
            kwargs.pop(key, None)
        kwargs["prefix"] = self.prefix
        return name, path, args, kwargs
