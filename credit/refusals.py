"""What the arithmetic of loans refuses, by name. Pure; doors turn these into sentences in the user's language."""


class Refused(ValueError):
    """Terms, or an event, that cannot be. `code` is for programs, the message says it in English for whoever builds on this."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Impossible(Refused):
    """No schedule can be made from these terms; codes: amount, rate, periods, grace, down_payment, multiple, dates, day_count, method,
    frequency, fee, penalty, ranges, order, version, unknown_field.
    """


class NotPlayable(Refused):
    """A history that cannot be; codes: repeated_key, unknown_key, not_reversible, amount, before_disbursement, over_disbursed, written_off, sold, charged_off,
    not_written_off, overpayment, waives_too_much, dates, pauses_overlap, no_pause, nothing_to_reshape, cancel_amount,
    over_limit, not_of_a_line.
    """
