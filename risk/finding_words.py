"""The sentences of findings, in the reader's language."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from risk import kinds, words
from risk.findings import Finding

SENTENCES: dict[str, Any] = {
    "unreadable": gettext_lazy("This is no graph: it holds characters or numbers that cannot be kept, or is nested too deeply."),
    "too_large": gettext_lazy("The graph is larger than %(limit)s kB."),
    "no_graph": gettext_lazy("This is no decision graph: it has no nodes and edges."),
    "too_many_nodes": gettext_lazy("A graph has at most %(limit)s nodes."),
    "node_form": gettext_lazy("Node %(place)s has no name, no id, or a kind that is not known here."),
    "edge_form": gettext_lazy("An edge does not say where it begins and ends."),
    "content_form": gettext_lazy("The content of this node is not filled in."),
    "row_form": gettext_lazy("The row is not filled in, or a cell is longer than 2,000 characters."),
    "hit_policy": gettext_lazy("Only “first row that applies” and “every row that applies” are run here."),
    "too_many_rows": gettext_lazy("A table has at most %(limit)s rows and 40 columns."),
    "one_input": gettext_lazy("The graph needs exactly one input."),
    "one_output": gettext_lazy("The graph needs exactly one output."),
    "two_ids": gettext_lazy("Two nodes have the same id."),
    "edge_nowhere": gettext_lazy("An edge leads to a node that is not there."),
    "circle": gettext_lazy("The node lies in a circle of edges, or behind one: the graph would never end."),
    "kind_refused": gettext_lazy("Nodes with a function or another decision inside are not run here."),
    "custom_kind": gettext_lazy("There is no kind of node “%(kind)s”."),
    "two_scorecards": gettext_lazy("A strategy uses one scorecard at most."),
    "protected": gettext_lazy("A rule reads the protected attribute “%(name)s”, which never decides."),
    "proxy": gettext_lazy("A rule reads “%(name)s”, which is declared to stand for the protected attribute “%(of)s”."),
    "no_reason_text": gettext_lazy("The reason “%(reason)s” has no text."),
    "half_a_text": gettext_lazy("The reason “%(reason)s” lacks a text: it is told to staff and to customers, in English and in Chinese."),
    "path_ends": gettext_lazy("The path ends here, before the output."),
    "branch_ends": gettext_lazy("This branch of the switch leads nowhere."),
    "no_else": gettext_lazy("The switch has no branch for the cases none of its conditions takes."),
    "no_outcome": gettext_lazy("A path through here ends without %(names)s: such a case would be referred without a rule."),
    "not_reached": gettext_lazy("Nothing leads to this node."),
    "unknown_name": gettext_lazy("“%(name)s” is neither a declared fact nor computed before this node."),
    "reserved_name": gettext_lazy("“%(name)s” is the name of a fact and cannot be computed."),
    "never_true": gettext_lazy("The conditions of the row exclude each other: it never applies."),
    "unreachable": gettext_lazy("The row is never reached: the rows above take every case of it."),
    "overlap": gettext_lazy("The row overlaps with row %(other)s and gives something else: the order decides."),
    "twin_rows": gettext_lazy("The row has the same conditions as row %(other)s."),
    "gap": gettext_lazy("No row applies where %(case)s."),
    "empty_table": gettext_lazy("The table has no rows."),
    "unused_fact": gettext_lazy("The declared fact “%(name)s” is used nowhere."),
    "unused_value": gettext_lazy("“%(name)s” is computed and used nowhere."),
    "not_an_expression": gettext_lazy("“%(text)s” cannot be read: %(told)s"),
    "cannot_run": gettext_lazy("The strategy cannot be run: %(told)s"),
    "too_slow": gettext_lazy("One evaluation takes longer than %(limit)s ms."),
    "breaks_down": gettext_lazy("The graph brings its evaluation down: it needs more memory or depth than one decision may."),
    "bad_schema": gettext_lazy("The declaration of the facts is wrong: %(told)s"),
    "bad_reasons": gettext_lazy("The texts of the reasons are not an object of codes with their texts."),
    "unknown_fact": gettext_lazy(
        "Nobody tells the fact “%(name)s”: it is neither among the house's facts nor in the catalogue of features."
    ),
    "other_type": gettext_lazy("The fact “%(name)s” comes as %(type)s, not as %(told)s."),
    "unprotected": gettext_lazy("“%(name)s” is a protected attribute and has to be declared as one."),
    "unknown_scorecard": gettext_lazy("There is no scorecard “%(code)s”."),
}


def sentence(finding: Finding) -> str:
    """Return what was found, without its place."""
    values = dict(finding.args)
    if "name" in values and finding.code in ("protected", "unused_fact", "proxy"):
        known = words.label(values["name"], get_language() or "en")
        values["name"] = known if known == values["name"] else f"{known} ({values['name']})"
    told = SENTENCES.get(finding.code) or kinds.sentence(finding.code)
    return str(told) % values if told else finding.code


def place(finding: Finding) -> str:
    """Return where it was found: the node's name and the row; empty for the graph as a whole."""
    if not finding.label:
        return ""
    if not finding.row:
        return finding.label
    return _("%(node)s, row %(row)s") % {"node": finding.label, "row": finding.row}


def whole(finding: Finding) -> str:
    """Return place and sentence in one line."""
    where = place(finding)
    return _("%(place)s: %(sentence)s") % {"place": where, "sentence": sentence(finding)} if where else sentence(finding)


def lines(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return what a page or a program shows of each."""
    return [
        {"code": one.code, "level": one.level, "node": one.node, "row": one.row, "place": place(one), "text": sentence(one)}
        for one in findings
    ]
