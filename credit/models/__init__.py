from credit.models.applications import Application, Offer, Reservation
from credit.models.closing import ClosePartition, CloseRun, ParkedLoan
from credit.models.imports import ImportBatch
from credit.models.loans import Installment, Loan, Posting, Transaction
from credit.models.products import Product

__all__ = [
    "Application",
    "ClosePartition",
    "CloseRun",
    "ImportBatch",
    "Installment",
    "Loan",
    "Offer",
    "ParkedLoan",
    "Posting",
    "Product",
    "Reservation",
    "Transaction",
]
