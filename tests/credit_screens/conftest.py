"""Pages of credit are tried on applications and loans made by credit's own doors."""

from tests.credit.conftest import desk

__all__ = ["desk"]
