"""The single applications of a backtest: those that changed sides, page by page, and the whole for a file."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from risk import populations, tallies, words
from risk.backtest_report import OUTCOME_WORDS, Report
from risk.models import Backtest, Decision
from risk.tallies import APPROVE, Answer

PAGE = 50
Found = tuple[int, str, list[Answer]]


def number(text: str, *, default: int, most: int) -> int:
    """Return a number of an address; the default for anything that is none."""
    return min(int(text), most) if text.isascii() and text.isdecimal() and len(text) < 9 else default


def every(backtest: Backtest, *, only_flipped: bool = False, start: int = 0) -> Iterator[tuple[int, Found]]:
    """Yield place and answers of each application from `start` on, part by part."""
    begin = 0
    chunks = backtest.chunks.filter(done_at__isnull=False).order_by("number")
    for pk, size, flipped in chunks.values_list("pk", "size", "flipped"):
        first, begin = begin, begin + size
        if begin <= start or (only_flipped and not flipped):
            continue
        content = backtest.chunks.values_list("rows", flat=True).get(pk=pk)
        for place, row in enumerate(tallies.unpacked(content), start=first):
            if place >= start:
                yield place, row


def flips(backtest: Backtest, *, side: int, move: str, start: int) -> tuple[list[Found], int | None]:
    """Return a page of the applications `side` moves as `move` says ("approve>decline"; empty: to or from approval), and where the next begins."""
    page: list[Found] = []
    for place, row in every(backtest, only_flipped=_is_flip(move), start=start):
        answers = row[2]
        if side >= len(answers):
            break
        was, now = answers[0], answers[side]
        if (f"{was.outcome}>{now.outcome}" == move) if move else (was.approves != now.approves):
            if len(page) == PAGE:
                return page, place
            page.append(row)
    return page, None


def _is_flip(move: str) -> bool:
    was, _sign, now = move.partition(">")
    return (was == APPROVE) != (now == APPROVE) if move else True


def moves(report: Report, side: int) -> list[tuple[str, str, int]]:
    """Return the moves of a side as (key, words, number), most first."""
    counts = report.columns[side].counts["matrix"]
    found = []
    for key, count in sorted(counts.items(), key=lambda one: -one[1]):
        was, _sign, now = key.partition(">")
        if was != now:
            found.append((key, f"{OUTCOME_WORDS[was]} → {OUTCOME_WORDS[now]}", count))
    return found


def shown(backtest: Backtest, rows: Sequence[Found], side: int, report: Report) -> list[dict[str, Any]]:
    """Return rows as the page shows them; a past decision by its public id."""
    ids = public_ids([ref for ref, _known, _answers in rows]) if backtest.kind == Backtest.Kind.BACKTEST else {}
    made = []
    for ref, known, answers in rows:
        was, now = answers[0], answers[side]
        public = ids.get(ref, "")
        more, less = [code for code in now.reasons if code not in was.reasons], [code for code in was.reasons if code not in now.reasons]
        made.append({
            "name": public or f"{ref + 1:,}", "url": reverse("decision", args=[public]) if public else "",
            "was": side_words(was), "now": side_words(now), "known": {"g": "good", "b": "bad"}.get(known, ""),
            "gained": [report.reason(code) for code in more] if not now.approves else [],
            "lost": [report.reason(code) for code in less] if not was.approves else [],
        })  # fmt: skip
    return made


def public_ids(keys: Sequence[int]) -> dict[int, str]:
    return dict(Decision.objects.filter(pk__in=keys).values_list("pk", "public_id"))


def side_words(said: Answer) -> dict[str, Any]:
    return {
        "outcome": said.outcome, "word": str(OUTCOME_WORDS[said.outcome]), "grade": said.grade,
        "limit": None if said.limit is None else populations.money_of(said.limit), "rate": populations.share_of(said.rate),
    }  # fmt: skip


def population_words(backtest: Backtest, language: str) -> list[str]:
    """Return in sentences which applications a backtest is about."""
    asked = backtest.population
    told = []
    if asked.get("source") == populations.UPLOADED:
        return [
            _("%(lines)s lines of an uploaded file, %(refused)s refused")
            % {"lines": f"{asked['lines']:,}", "refused": f"{asked['refused']:,}"}
        ]
    if asked.get("source") == populations.GENERATED:
        words_of = {"past": _("drawn from past decisions"), "random": _("drawn evenly from the declaration")}
        told = [words_of[asked["base"]], _("%(n)s applications, seed %(seed)s") % {"n": f"{asked['limit']:,}", "seed": asked["seed"]}]
        return told + [
            f"{words.label(fact, language)} {sign} {value}{'%' if percent else ''}" for fact, sign, value, percent in asked["changes"]
        ]
    first, last = asked.get("first"), asked.get("last")
    if first and last:
        told.append(_("decided from %(first)s to %(last)s") % {"first": first, "last": last})
    elif first:
        told.append(_("decided from %(first)s on") % {"first": first})
    elif last:
        told.append(_("decided up to %(last)s") % {"last": last})
    if asked.get("outcome"):
        told.append(_("then: %(outcome)s") % {"outcome": OUTCOME_WORDS[asked["outcome"]]})
    for fact, value in (asked.get("segment") or {}).items():
        told.append(f"{words.label(fact, language)}: {words.word(fact, value, language)}")
    if asked.get("limit"):
        told.append(_("the newest %(n)s at most") % {"n": f"{asked['limit']:,}"})
    if asked.get("horizon_months"):
        told.append(_("outcome known after %(n)s months") % {"n": asked["horizon_months"]})
    return told
