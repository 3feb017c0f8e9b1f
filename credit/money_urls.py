"""Pages of the back office: money in, payoff, reversal, refund; and what an offer's customer and its reader open."""

from django.urls import path

from credit.acts import ACTS
from credit.views import acts, contracts, customer_payments, loan_documents, loan_sales, payments, receipt_spreads, settling

urlpatterns = [
    path("payments/", payments.payment_list, name="payment-list"),
    path("payments/files/", payments.bank_file_list, name="bank-file-list"),
    path("payments/files/<str:public_id>/", payments.bank_file, name="bank-file"),
    path("payments/files/<str:public_id>/problems.csv", payments.bank_file_problems, name="bank-file-problems"),
    path("payments/<str:public_id>/", payments.receipt_page, name="receipt"),
    path("payments/<str:public_id>/allocate/", payments.receipt_allocate, name="receipt-allocate"),
    path("payments/<str:public_id>/spread/", receipt_spreads.receipt_spread, name="receipt-spread"),
    path("payments/<str:public_id>/return/", payments.receipt_return, name="receipt-return"),
    path("payments/<str:public_id>/decide/", payments.receipt_decide, name="receipt-decide"),
    path("loans/<str:public_id>/payoff/", settling.loan_payoff, name="loan-payoff"),
    path("loans/<str:public_id>/acts/", acts.loan_acts, name="loan-acts"),
    *(path(f"loans/<str:public_id>/acts/{kind}/", acts.page_of(act), name=f"loan-act-{kind}") for kind, act in ACTS.items()),
    path("loan-sales/new/", loan_sales.loan_sale, name="loan-sale"),
    path("customers/<str:public_id>/pay/", customer_payments.customer_pay, name="customer-pay"),
    path("customer-payments/<str:public_id>/", customer_payments.customer_payment, name="customer-payment"),
    path("customer-payments/<str:public_id>/reverse/", customer_payments.customer_payment_reverse, name="customer-payment-reverse"),
    path("loans/<str:public_id>/refund/", settling.loan_refund, name="loan-refund"),
    path("loans/<str:public_id>/statement/", loan_documents.loan_statement, name="loan-statement"),
    path("loans/<str:public_id>/instalments/<int:seq>/", loan_documents.installment_explained, name="installment-explained"),
    path("loans/<str:public_id>/documents/", loan_documents.loan_documents_page, name="loan-documents"),
    path("loans/<str:public_id>/documents/new/", loan_documents.loan_document_new, name="loan-document-new"),
    path("loan-documents/check/", loan_documents.document_check, name="loan-document-check"),
    path("loan-documents/<str:public_id>/", loan_documents.loan_document, name="loan-document"),
    path("loan-documents/<str:public_id>/paper.pdf", loan_documents.loan_document_pdf, name="loan-document-pdf"),
    path("payoffs/<str:public_id>/", settling.payoff_page, name="payoff"),
    path("payoffs/<str:public_id>/quote.pdf", settling.payoff_pdf, name="payoff-pdf"),
    path("repayments/<str:public_id>/reverse/", settling.repayment_reverse, name="repayment-reverse"),
    path("refunds/", settling.refund_list, name="refund-list"),
    path("refunds/<str:public_id>/decide/", settling.refund_decide, name="refund-decide"),
    path("offers/<str:public_id>/what-if/", contracts.offer_what_if, name="offer-what-if"),
    path("offers/<str:public_id>/replace/", contracts.offer_replace, name="offer-replace"),
    path("offers/<str:public_id>/contract.pdf", contracts.offer_contract, name="offer-contract"),
    path("offers/<str:public_id>/link/", contracts.offer_link, name="offer-link"),
    path("o/<str:token>/", contracts.public_offer, name="public-offer"),
    path("o/<str:token>/confirm/", contracts.public_confirm, name="public-offer-confirm"),
    path("o/<str:token>/code/", contracts.public_code, name="public-offer-code"),
    path("o/<str:token>/accept/", contracts.public_accept, name="public-offer-accept"),
    path("o/<str:token>/draft.pdf", contracts.public_draft, name="public-offer-draft"),
    path("o/<str:token>/contract/", contracts.public_contract, name="public-offer-contract"),
]
