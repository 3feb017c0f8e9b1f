"""Every door that reaches a customer goes through the gate: read from the source, so that a new one cannot be left out.

A customer is reached in two ways. A machine writes: the ports for SMS and mail are opened by the outbox alone, which asks the gate for
each message; what goes to staff is named here. A person calls, writes or visits: it is kept as a `Contact`, which one door makes, and that
door takes an attempt from the gate.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from crm.lib.ports import mail, sms

ROOT = Path(__file__).resolve().parents[2]
APPS = ("collection", "credit", "crm", "customers", "governance", "ledger", "risk")
# who may open a port: the outbox, behind the gate; and letters to staff and invited users, who owe nothing
OUTBOX = "customers/outbox.py"
CARRIERS = "customers/carriers.py"  # hands on what the outbox claimed
TO_STAFF = {"governance/device_letters.py", "governance/invitations.py"}
# the demonstration writes its past at once; what it tells of the past is counted by the same table
PAST = {"crm/demo/desk_messages.py"}


def sources() -> Iterator[tuple[str, ast.AST]]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if "migrations" not in path.parts and not name.startswith("crm/lib/ports/"):
                yield name, ast.parse(path.read_text())


@cache
def all_sources() -> list[tuple[str, ast.AST]]:
    """Return all sources, read when the first test asks and not when tests are collected."""
    return list(sources())


def imports(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{one.name}" for one in node.names}
        elif isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
    return found


def calls(tree: ast.AST) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def makers(model: str) -> set[str]:
    """Return the files that make rows of a model."""
    ways = {f"{model}.objects.{way}" for way in ("create", "bulk_create", "get_or_create", "update_or_create")} | {model}
    return {name for name, tree in all_sources() if calls(tree) & ways}


def test_only_the_outbox_opens_a_port_to_customers() -> None:
    openers = {
        name
        for name, tree in all_sources()
        if imports(tree) & {"crm.lib.ports.sms", "crm.lib.ports.mail", "smtplib", "django.core.mail.send_mail"}
    }
    assert openers == {CARRIERS} | TO_STAFF
    asked = {name for name, tree in all_sources() if any(found.startswith("customers.carriers.") for found in imports(tree))}
    assert asked == {OUTBOX, "customers/receipts.py"}, "receipts take the form of an outcome from there, and carry nothing"


def test_the_outbox_carries_nothing_the_gate_did_not_admit() -> None:
    """`claim` is the one place that hands messages on, and what it hands on is what `admitted` let through."""
    tree = next(tree for name, tree in all_sources() if name == OUTBOX)
    doors = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert "contact_policy.check" in calls(doors["admitted"])
    claim = doors["claim"]
    order = [ast.unparse(node.func) for node in ast.walk(claim) if isinstance(node, ast.Call)]
    assert {"admitted", "mark_sending", "note_attempts"} <= set(order)
    taken = [node for node in ast.walk(claim) if isinstance(node, ast.Assign) and "admitted" in ast.unparse(node.value)]
    assert [ast.unparse(node.targets[0]) for node in taken] == ["(ready, refused)"]
    marks = {name for name, door in doors.items() if "mark_sending" in calls(door)}
    assert marks == {"claim"}, "nothing else makes a message leave"
    sends = {name for name, found in all_sources() for call in calls(found) if call in ("sms.send", "session.send")}
    assert sends - TO_STAFF == {CARRIERS}


@pytest.mark.parametrize("port", [sms, mail])
def test_the_ports_are_where_this_test_looks(port: object) -> None:
    assert getattr(port, "__name__", "").startswith("crm.lib.ports.")


# One inner door writes a contact down; who opens it, and the call by which its place at the gate is taken before.
INNER = "collection/contacts.py"
ASKED = {
    "collection/contacts.py": ("write", "gate.pass_through"),
    "collection/letters.py": ("contacts.write", "contact_gate.reserve"),  # a letter handed to the carrier
    "collection/placement_work.py": ("contacts.write", "_settled"),  # an agency's: of the place that it took when it asked, else refused
}


def test_a_contact_of_a_person_is_made_by_one_door_and_whoever_opens_it_asks_the_gate() -> None:
    trees = dict(all_sources())
    assert {name for name in trees if "Contact.objects.create" in calls(trees[name])} == {INNER}
    assert not {
        name for name in trees if calls(trees[name]) & {"Contact", "Contact.objects.bulk_create"} and name.startswith("collection/")
    }
    inner = next(node for node in ast.walk(trees[INNER]) if isinstance(node, ast.FunctionDef) and node.name == "write")
    assert "place" in calls(inner), "the place is taken where the contact is kept"
    users = {
        name for name in trees if name.startswith("collection/") and ("write" if name == INNER else "contacts.write") in calls(trees[name])
    }
    assert users == set(ASKED)
    for name, (opens, asks) in ASKED.items():
        doors = [node for node in ast.walk(trees[name]) if isinstance(node, ast.FunctionDef) and opens in calls(node)]
        assert doors, name
        for door in doors:
            assert asks in calls(door), f"{name}: {door.name} asks the gate for the place it hands on"


def test_attempts_are_counted_by_the_gate_and_the_outbox_alone() -> None:
    assert (
        makers("ContactAttempt") - {"customers/models/contacts.py"} == {"customers/contact_gate.py", "customers/contacts.py", OUTBOX} | PAST
    )
