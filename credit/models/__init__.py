from credit.models.applications import Application, Offer, Reservation
from credit.models.caps import RateCap
from credit.models.closing import ClosePartition, CloseRun, ParkedLoan
from credit.models.contracts import Contract, CounterLink, Link, OfferLink
from credit.models.imports import ImportBatch
from credit.models.loans import Installment, Loan, Posting, Transaction
from credit.models.money import PayoffQuote, Refund
from credit.models.products import Product
from credit.models.quotes import Quote
from credit.models.receipts import BankFile, Receipt, VirtualAccount
from credit.models.reminders import Reminder, ReminderPartition, ReminderRun
from credit.models.underwriting import (
    Condition,
    ConditionKind,
    CounterOffer,
    Paper,
    PaperRequest,
    Proposal,
    VerifiedFact,
)

__all__ = [
    "Application",
    "BankFile",
    "ClosePartition",
    "CloseRun",
    "Condition",
    "ConditionKind",
    "Contract",
    "CounterLink",
    "CounterOffer",
    "ImportBatch",
    "Installment",
    "Link",
    "Loan",
    "Offer",
    "OfferLink",
    "Paper",
    "PaperRequest",
    "ParkedLoan",
    "PayoffQuote",
    "Posting",
    "Product",
    "Proposal",
    "Quote",
    "RateCap",
    "Receipt",
    "Refund",
    "Reminder",
    "ReminderPartition",
    "ReminderRun",
    "Reservation",
    "Transaction",
    "VerifiedFact",
    "VirtualAccount",
]
