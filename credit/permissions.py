from django.utils.translation import gettext_lazy as _

from crm.lib.permissions import declare

VIEW_PRODUCT = declare("credit.view_product", _("View products"), scope="products:read")
VIEW_APPLICATION = declare("credit.view_application", _("View applications and offers"), scope="applications:read")
ADD_APPLICATION = declare("credit.add_application", _("Enter applications"), scope="applications:write")
SUBMIT_APPLICATION = declare("credit.submit_application", _("Submit applications"), scope="applications:write")
WITHDRAW_APPLICATION = declare("credit.withdraw_application", _("Withdraw applications"), scope="applications:write")
DECIDE_APPLICATION = declare("credit.decide_application", _("Approve and decline referred applications"))
IMPORT_APPLICATION = declare("credit.import_application", _("Bring in files of applications"))
ACCEPT_OFFER = declare("credit.accept_offer", _("Confirm the cost disclosure and accept offers for the customer"), scope="offers:accept")
VIEW_LOAN = declare("credit.view_loan", _("View loans and repayments"), scope="loans:read")
RECORD_REPAYMENT = declare("credit.record_repayment", _("Enter repayments"), scope="repayments:write")
CLOSE_DAY = declare("credit.close_day", _("Close the day"))
VERIFY_FACT = declare("credit.verify_fact", _("Enter what was found out about stated facts"))
CLEAR_CONDITION = declare("credit.clear_condition", _("Clear conditions of an approval"), scope="conditions:write")
VIEW_OVERRIDE = declare("credit.view_override", _("Compare decisions of persons with what became of the loans"))
EXPORT_APPLICATION = declare("credit.export_application", _("Export lists of applications"))
EXPORT_LOAN = declare("credit.export_loan", _("Export lists of loans"))
