from credit.models.applications import Application, Offer, Reservation
from credit.models.book_entries import ManualJournal, SuspenseMove
from credit.models.caps import RateCap
from credit.models.classification import ClassBatch, ClassMark, RiskClass
from credit.models.closing import ClosePartition, CloseRun, ParkedLoan
from credit.models.contracts import Contract, CounterLink, Link, OfferLink
from credit.models.delinquency import DelinquencyPause, DelinquencyRanges, RangeMove
from credit.models.devices import ApplicationDevice
from credit.models.general_ledger import AccountingPeriod, AccountMapping, BookDay, GLAccount, Journal, JournalLine
from credit.models.imports import ImportBatch
from credit.models.lines import CreditLine
from credit.models.loan_documents import InvoicedMovement, LoanDocument
from credit.models.loans import Installment, Loan, Transaction
from credit.models.money import PayoffQuote, Refund
from credit.models.postings import Posting
from credit.models.products import Product
from credit.models.quotes import Quote
from credit.models.receipts import BankFile, Receipt, VirtualAccount
from credit.models.reminders import Reminder, ReminderPartition, ReminderRun
from credit.models.snapshots import LoanSnapshot
from credit.models.spreads import CustomerPayment, PaymentShare
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
    "AccountMapping",
    "AccountingPeriod",
    "Application",
    "ApplicationDevice",
    "BankFile",
    "BookDay",
    "ClassBatch",
    "ClassMark",
    "ClosePartition",
    "CloseRun",
    "Condition",
    "ConditionKind",
    "Contract",
    "CounterLink",
    "CounterOffer",
    "CreditLine",
    "CustomerPayment",
    "DelinquencyPause",
    "DelinquencyRanges",
    "GLAccount",
    "ImportBatch",
    "Installment",
    "InvoicedMovement",
    "Journal",
    "JournalLine",
    "Link",
    "Loan",
    "LoanDocument",
    "LoanSnapshot",
    "ManualJournal",
    "Offer",
    "OfferLink",
    "Paper",
    "PaperRequest",
    "ParkedLoan",
    "PaymentShare",
    "PayoffQuote",
    "Posting",
    "Product",
    "Proposal",
    "Quote",
    "RangeMove",
    "RateCap",
    "Receipt",
    "Refund",
    "Reminder",
    "ReminderPartition",
    "ReminderRun",
    "Reservation",
    "RiskClass",
    "SuspenseMove",
    "Transaction",
    "VerifiedFact",
    "VirtualAccount",
]
