"""Forms that order a backtest."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from crm.lib.forms import DateInput, Form
from governance.list_forms import ExportForm
from risk import facts, kinds, made, populations, words
from risk.backtests import CANDIDATES, COSTS, Side
from risk.models import Decision, ScorecardVersion, StrategyVersion
from risk.populations import Past

PER_CENT = Decimal(100)


def token(version: StrategyVersion | ScorecardVersion) -> str:
    """Return how an address or a form names a version: its strategy's or card's public id and its number."""
    parent = version.strategy if isinstance(version, StrategyVersion) else version.scorecard
    return f"{parent.public_id}.{version.number}"


def version_choices(model: Any, parent: str, *empty: tuple[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return choices of all versions under the names of what they are versions of, newest first, and the rows by token."""
    heavy = ("graph", "input_schema", "reasons") if model is StrategyVersion else ("content", "metrics")
    rows = model.objects.select_related(parent).defer(*heavy).order_by(f"{parent}__code", "-number")
    if model is StrategyVersion:
        rows = rows.filter(strategy__kind=kinds.LENDING)
    found: dict[str, Any] = {token(row): row for row in rows}
    grouped: dict[str, list[tuple[str, str]]] = {}
    for key, row in found.items():
        label = f"{getattr(row, parent).name} v{row.number} · {row.get_status_display()}"
        grouped.setdefault(getattr(row, parent).name, []).append((key, label + (f" · {row.note[:40]}" if row.note else "")))
    return [*empty, *grouped.items()], found


class AskForm(Form):
    """What every run needs: a name, the sides, what stands for absent facts, the costs."""

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("The question in a few words; no customer's name."))
    baseline = forms.ChoiceField(label=_("Held against"), required=False)
    version_1 = forms.ChoiceField(label=_("Version to try"))
    card_1 = forms.ChoiceField(label=_("with scorecard"), required=False)
    version_2 = forms.ChoiceField(label=_("Second version"), required=False)
    card_2 = forms.ChoiceField(label=_("with scorecard"), required=False)
    version_3 = forms.ChoiceField(label=_("Third version"), required=False)
    card_3 = forms.ChoiceField(label=_("with scorecard"), required=False)
    defaults = forms.CharField(
        label=_("What if absent"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=_("One line a fact, such as “income_verified = yes”. A required fact that was not stored and has no line here refers the application; the report names it."),
    )  # fmt: skip
    lgd = forms.DecimalField(label=_("Loss given default, %"), min_value=0, max_value=100, max_digits=6, decimal_places=3)
    funding = forms.DecimalField(label=_("Funding a year, %"), min_value=0, max_value=100, max_digits=6, decimal_places=3)
    opex = forms.DecimalField(label=_("Work a year, %"), min_value=0, max_value=100, max_digits=6, decimal_places=3)
    horizon = forms.TypedChoiceField(
        label=_("Outcome known after"), coerce=int, initial=12, choices=[(n, _("%(n)s months") % {"n": n}) for n in (3, 6, 12, 24)]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions, self.versions = version_choices(StrategyVersion, "strategy")
        cards, self.cards = version_choices(ScorecardVersion, "scorecard", ("", _("its live version")))
        fields: Any = self.fields
        fields["baseline"].choices = [("", _("What was decided at the time")), *versions]
        for place in range(1, CANDIDATES + 1):
            fields[f"version_{place}"].choices = [("", _("Choose a version") if place == 1 else _("None")), *versions]
            fields[f"card_{place}"].choices = cards
        for name, share in COSTS.items():
            fields[name].initial = (share * PER_CENT).normalize()

    @property
    def pairs(self) -> list[tuple[Any, Any]]:
        """Return the fields of each version with its card, for the template."""
        return [(self[f"version_{place}"], self[f"card_{place}"]) for place in range(1, CANDIDATES + 1)]

    def clean_defaults(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in self.cleaned_data["defaults"].splitlines():
            if not line.strip():
                continue
            name, sign, value = line.partition("=")
            if not sign or not name.strip() or not value.strip():
                raise forms.ValidationError(_("Write each line as “fact = value”; this one is not: %(line)s") % {"line": line.strip()[:60]})
            found[name.strip()] = value.strip()
        return found

    def ordered(self) -> dict[str, Any]:
        """Return what the door takes of this part of the form."""
        data = self.cleaned_data
        sides = []
        for place in range(1, CANDIDATES + 1):
            if chosen := data.get(f"version_{place}"):
                card = data.get(f"card_{place}")
                sides.append(Side(self.versions[chosen], self.cards[card] if card else None))
        baseline = self.versions[data["baseline"]] if data.get("baseline") else None
        return {
            "name": data["name"], "sides": sides, "baseline": Side(baseline) if baseline else None, "defaults": data["defaults"],
            "costs": {name: data[name] / PER_CENT for name in COSTS},
        }  # fmt: skip


class BacktestForm(AskForm):
    """A run over past decisions."""

    first = forms.DateField(label=_("Decided from"), required=False, widget=DateInput)
    last = forms.DateField(label=_("Decided to"), required=False, widget=DateInput)
    outcome = forms.ChoiceField(label=_("Outcome then"), required=False)
    segment = forms.ChoiceField(label=_("Segment"), required=False)
    limit = forms.IntegerField(label=_("Newest applications, at most"), min_value=1, max_value=populations.MOST, initial=2_000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["outcome"].choices = [("", _("Any")), *Decision.Outcome.choices]
        fields["segment"].choices = [("", _("All")), *segment_choices(get_language() or "en")]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        first, last = data.get("first"), data.get("last")
        if first and last and last < first:
            self.add_error("last", _("The period ends before it begins."))
        return data

    def ordered(self) -> dict[str, Any]:
        return super().ordered() | {"horizon_months": self.cleaned_data["horizon"]}

    def population(self) -> Past:
        data = self.cleaned_data
        fact, _sign, value = data["segment"].partition(":")
        return Past(data["first"], data["last"], data["outcome"], {fact: value} if fact else {}, data["limit"])


class SimulationForm(AskForm):
    """A run over a made population."""

    source = forms.ChoiceField(
        label=_("Applications"), initial="past", widget=forms.RadioSelect,
        choices=[("past", _("Drawn from past decisions and changed")), ("random", _("Drawn evenly from the declaration")), ("file", _("Uploaded as a file"))],
    )  # fmt: skip
    limit = forms.IntegerField(label=_("How many"), min_value=1, max_value=populations.MOST, initial=1_000, required=False)
    seed = forms.IntegerField(label=_("Seed"), min_value=0, max_value=2_147_483_647, initial=1, required=False)
    changes = forms.CharField(
        label=_("Changes"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=_("One line a fact: “income - 10%”, “rate_a + 0.02”, “term = 24”; “amount ~ 20%” draws within 20 % up and down."),
    )  # fmt: skip
    file = forms.FileField(
        label=_("File of comma-separated values"), required=False, help_text=_("The head names facts the version declares; no names, no id numbers."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        del fields["horizon"]
        fields["baseline"].choices = [("", _("The live version")), *fields["baseline"].choices[1:]]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("source") == "file" and not data.get("file"):
            self.add_error("file", _("Choose the file to run over."))
        return data

    def population(self) -> made.Made | made.Uploaded:
        """Return the population that was described, read by the facts of the first version.

        :raises Invalid: if a change or the file does not fit them
        """
        data = self.cleaned_data
        version = StrategyVersion.objects.get(pk=self.versions[data["version_1"]].pk)
        schema = facts.read_schema(version.input_schema)
        if data["source"] == "file":
            return made.uploaded(data["file"].read(made.LARGEST_FILE + 1), schema)
        seed = data["seed"] if data["seed"] is not None else 1
        return made.Made(data["source"], data["limit"] or 1_000, seed, made.changes(data["changes"], schema))


def segment_choices(language: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the categories applications are divided by, with their values, without protected ones."""
    declared: Mapping[str, Any] = words.data("input_schema")
    return [
        (words.label(row["name"], language), [(f"{row['name']}:{value}", word) for value, word in words.choices(row["name"], language)])
        for row in declared["facts"] if row["type"] == "category" and not row["protected"]
    ]  # fmt: skip


class FileForm(ExportForm):
    """Why the rows of a backtest leave as a file, and in which form."""

    form = forms.ChoiceField(
        label=_("Form of the file"), choices=[("xlsx", _("Workbook (XLSX)")), ("csv", _("Comma-separated values (CSV)"))],
        widget=forms.RadioSelect, initial="xlsx",
    )  # fmt: skip
    field_order = ("form", "purpose", "reason", "query")
