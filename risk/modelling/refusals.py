"""Refusals of the modelling core: a code for programs, a sentence for people. Pure; the caller translates `template`."""

from collections.abc import Callable, Mapping
from typing import Any

Translate = Callable[[str], str]


def _(text: str) -> str:
    """Mark a sentence for translation; whoever shows it translates it."""
    return text


class BadTable(ValueError):
    """The data cannot be read or cannot carry a model.

    As text it is a sentence in English; `told(gettext)` is the sentence in the reader's language.
    """

    def __init__(self, code: str, **values: Any) -> None:
        self.code = code
        self.template = SENTENCES[code]
        self.values = values
        super().__init__(self.template % values)

    def told(self, translate: Translate) -> str:
        """Return the sentence in the language of `translate`."""
        return told(self.code, self.values, translate)


class Note:
    """What was left out of the data or read otherwise than it stood, told in a sentence; `column` is empty when it is about rows."""

    def __init__(self, code: str, column: str = "", **values: Any) -> None:
        self.code = code
        self.column = column
        self.template = SENTENCES[code]
        self.values = values | ({"column": column} if column else {})

    def __str__(self) -> str:
        return self.template % self.values

    def as_json(self) -> dict[str, Any]:
        """Return the note as it is kept with a model's figures; `told(code, values, gettext)` makes the sentence of it again."""
        return {"code": self.code, "column": self.column, "values": self.values, "text": str(self)}

    def told(self, translate: Translate) -> str:
        """Return the sentence in the language of `translate`."""
        return told(self.code, self.values, translate)


def told(code: str, values: Mapping[str, Any], translate: Translate) -> str:
    """Return the sentence of a refusal or a note in the language of `translate`; `why` among the values is a sentence too."""
    filled = dict(values) | ({"why": translate(str(values["why"]))} if "why" in values else {})
    return translate(SENTENCES[code]) % filled


RISES = _("the limits do not rise")
TWICE = _("a value stands in two bins, or a bin is empty")
NOTHING = _("an edit gives splits or groups")
MIXED_UP = _("numbers have splits, categories have groups")
NO_LIMITS = _("limits are numbers and groups are lists")
TOO_MANY = _("there are too many bins")
OTHER_TYPE = _("the data hold it in another type")

SENTENCES = {
    # --- refusals: nothing can be trained ---
    "no_file": _("There is no file “%(name)s”."),
    "too_large": _("The file holds %(size)s; at most %(limit)s can be read. Take a sample of the rows."),
    "too_many_rows": _("The file has more than %(limit)s rows. Take a sample of the rows."),
    "too_many_columns": _("The file has %(count)s columns; at most %(limit)s can be read."),
    "too_many_cells": _("The file has more than %(limit)s values in all. Take a sample of the rows, or fewer columns."),
    "not_text": _("The file is not a table in text form: it is neither UTF-8 nor GB 18030."),
    "broken_archive": _("The compressed file is broken or cut off."),
    "empty": _("The file is empty."),
    "no_rows": _("The file has a heading and no rows."),
    "no_name": _("Column %(place)s of the heading has no name."),
    "name_twice": _("The column “%(column)s” comes twice in the heading."),
    "ragged": _("Row %(row)s has %(found)s values; the heading has %(expected)s columns."),
    "field_too_long": _("Row %(row)s holds a value that does not end; a quotation mark may be missing."),
    "no_target": _("The file has no column “%(column)s”. Its columns are: %(columns)s."),
    "target_empty": _("The target “%(column)s” has no values."),
    "one_class": _("Every row has the same outcome, “%(value)s”: nothing can be learned from one class."),
    "many_classes": _("The target “%(column)s” has %(count)s different values (%(examples)s); a model needs two, such as 1 and 0."),
    "unknown_classes": _(
        "The target “%(column)s” has the values “%(first)s” and “%(second)s”; understood are 1 and 0, yes and no, bad and good."
    ),
    "few_cases": _("There are only %(count)s rows of the rarer outcome; at least %(least)s are needed."),
    "nothing_left": _("No column is left to learn from: %(reasons)s"),
    "nothing_learned": _("No column says anything about the outcome."),
    "no_column": _("The data have no column “%(column)s”."),
    "protected": _("Protected attributes never enter a model: %(columns)s."),
    "bad_folds": _("Cross-validation needs between 2 and 20 folds, not %(folds)s."),
    "unknown_kind": _("There is no model of the kind “%(kind)s”."),
    "bad_edit": _("The bins of “%(column)s” cannot be set so: %(why)s."),
    "not_editable": _("Bins can be set by hand in a scorecard only."),
    "no_rejects": _("Reject inference needs rows without an outcome, and the file has none."),
    # --- notes: recorded, training goes on ---
    "dropped_constant": _("“%(column)s” has one value only and was left out."),
    "dropped_missing": _("“%(column)s” has no values and was left out."),
    "dropped_identifier": _("“%(column)s” looks like an identifier (%(distinct)s different values in %(rows)s rows) and was left out."),
    "dropped_leak": _("“%(column)s” alone tells the outcome almost perfectly (AUC %(auc)s); it looks like a leak and was left out."),
    "dropped_date": _("“%(column)s” holds dates; it is used to measure stability over time and not to predict."),
    "dropped_protected": _("“%(column)s” is a protected attribute; it is used to measure fairness and not to predict."),
    "dropped_segment": _("“%(column)s” names the segments that are compared, not a feature."),
    "texts_in_numbers": _("“%(column)s” holds numbers; %(count)s other values (such as “%(example)s”) were read as missing."),
    "no_outcome_rows": _("%(count)s rows have no outcome; they are used only for reject inference."),
    "rare_pooled": _("“%(column)s” has %(distinct)s different values; the rare ones were put together."),
    # --- why a model was chosen ---
    "why_asked": _("%(label)s, as asked for: AUC %(own)s; the best of the kind, %(best)s, has %(auc)s."),
    "why_card": _("A scorecard: AUC %(own)s, and the best of all that was tried (%(best)s, %(auc)s) is hardly better and harder to read."),
    "why_trees": _("Boosted trees: AUC %(own)s, well above a scorecard; the best of all that was tried is %(best)s with %(auc)s."),
    "why_blend": _("A blend of scorecard and boosted trees: AUC %(own)s against %(single)s of the best single model."),
    "why_edited": _("Bins set by hand (%(columns)s): AUC %(own)s."),
}
