"""Rules that a machine keeps: closed by default, policies, no floats near money, one import order, no inline script."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import models

from crm.lib.fields import MoneyField
from crm.lib.permissions import ALL
from crm.lib.policy import Policy
from governance import catalogue
from governance.fields import FingerprintField, SealedTextField
from tests.fixtures.support.routes import Route, permissions_of, routes

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("crm", "ledger", "governance", "customers", "risk", "credit", "collection", "sandbox")
OURS = {"floor", "crm", "ledger", "governance", "customers", "risk", "credit", "collections"}
LONGEST_FILE = 500


def sources(*folders: str, suffix: str = ".py") -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob(f"*{suffix}")):
            if not {"migrations", "node_modules", "__pycache__"} & set(path.relative_to(ROOT).parts):
                yield path


@cache
def tree(path: Path) -> ast.Module:
    """Return a file's syntax; a dozen tests read those of all files, and one worker runs them."""
    return ast.parse(path.read_text(), str(path))


@pytest.fixture(scope="module", autouse=True)
def _forget_trees() -> Iterator[None]:
    yield
    tree.cache_clear()


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def our_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model._meta.app_label in OURS and model._meta.managed]


# --- routes ------------------------------------------------------------------------------------------------------
def test_every_route_names_its_permission() -> None:
    missing = []
    for route in routes():
        if route.public:
            continue
        for action, code in permissions_of(route).items():
            if not code or (code != "signed in" and code not in ALL):
                missing.append(f"{route.pattern} [{action}] names {code or 'no permission'}")
    assert missing == []


def test_only_these_routes_are_open_without_sign_in() -> None:
    opened = {route.name for route in routes() if route.public}
    assert opened == {
        "begin", "healthz", "invitation", "session", "set-language", "set-theme", "account_login", "mfa_authenticate", "mfa_login_webauthn", "oidc-login", "oidc-back",
        "api-token", "api-revoke", "api-schema", "api-docs", "api-receipt-sms", "api-reply",
        "api-receipt-call", "api-receipt-payment", "public-pay",
        "public-offer", "public-offer-confirm", "public-offer-code", "public-offer-accept",
        "public-counter", "public-counter-code", "public-counter-answer", "public-offer-draft", "public-offer-contract",
    }, "an open page is a decision: name it here too"  # fmt: skip


def test_an_open_route_says_why() -> None:
    assert [route.pattern for route in routes() if route.public and len(route.public.split()) < 3] == []


def test_a_viewset_names_no_action_that_it_lacks() -> None:
    for route in routes():
        if route.viewset is not None:
            gone = [action for action in route.viewset.needs if not hasattr(route.viewset, action)]
            assert gone == [], f"{route.viewset.__name__} needs permissions for {gone}"


def test_every_api_permission_has_a_scope() -> None:
    """Without one a token is refused always, and nobody would know why."""
    missing = []
    for route in routes():
        if route.viewset is not None:
            missing += [code for code in permissions_of(route).values() if code in ALL and not ALL[code].scope]
    assert sorted(set(missing)) == []


def keyed(route: Route) -> Iterator[tuple[str, Any]]:
    for method, action in route.actions.items():
        if method == "post":
            yield action, getattr(route.viewset, action)


def test_every_post_of_the_api_honours_an_idempotency_key() -> None:
    missing = [
        f"{route.viewset.__name__}.{action}" for route in routes() for action, door in keyed(route) if not getattr(door, "keyed", False)
    ]
    assert missing == []


def test_posts_that_move_money_require_the_key_and_the_api_document_says_so() -> None:
    required = {
        f"{route.viewset.__name__}.{action}" for route in routes() for action, door in keyed(route) if getattr(door, "key_required", False)
    }
    assert {"OfferViewSet.accept", "RepaymentViewSet.create"} <= required
    said = {
        f"{route.viewset.__name__}.{action}"
        for route in routes()
        for action, _door in keyed(route)
        if action in getattr(route.viewset, "key_required", ())
    }
    assert said == required


# --- models ------------------------------------------------------------------------------------------------------
def test_every_model_has_a_policy() -> None:
    without = [model._meta.label for model in our_models() if not isinstance(model.__dict__.get("POLICY"), Policy)]
    assert without == []


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_a_policy_is_about_its_model(model: Any) -> None:
    assert model.POLICY.owner in {"ledger", "governance", "customers", "risk", "credit", "collection", "collections"}
    assert list(catalogue.problems(model)) == []


def test_the_catalogue_reads_the_same_models() -> None:
    assert set(catalogue.our_models()) == set(our_models())


def test_personal_fields_are_sealed_or_say_why_not() -> None:
    lying_open = [
        one.key
        for one in catalogue.entries()
        if one.kind in ("C2", "C3")
        and not (one.encrypted or one.why_open or isinstance(one.model._meta.get_field(one.name), FingerprintField))
    ]
    assert lying_open == []


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_sealed_fields_are_declared_and_bound(model: Any) -> None:
    sealed = [field for field in model._meta.concrete_fields if isinstance(field, SealedTextField)]
    for field in sealed:
        assert field.name in model.POLICY.personal
        assert field.label == f"{model._meta.label_lower}.{field.name}"
    assert not sealed or model._meta.get_field("seal_key")


def test_no_two_sealed_fields_share_a_label() -> None:
    labels = [field.label for model in our_models() for field in model._meta.concrete_fields if isinstance(field, SealedTextField)]
    assert len(labels) == len(set(labels))


SOUNDS_PERSONAL = re.compile(r"(^|_)(id_number|id_card|mobile|phone|bank_card|card_number|address|birth|employer|contact_name)($|_)")


def test_what_sounds_personal_is_declared() -> None:
    """A guard against forgetting: a column with such a name is in `personal`, or is a fingerprint."""
    forgotten = []
    for model in our_models():
        for field in model._meta.concrete_fields:
            if SOUNDS_PERSONAL.search(field.name) and field.name not in model.POLICY.personal and not isinstance(field, FingerprintField):
                forgotten.append(f"{model._meta.label}.{field.name}")
    assert forgotten == []


def test_no_model_keeps_a_float() -> None:
    floats = [
        f"{model._meta.label}.{field.name}"
        for model in our_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.FloatField)
    ]
    assert floats == []


SOUNDS_LIKE_MONEY = re.compile(r"(^|_)(amount|principal|interest|penalty|fee|balance|income|debt|limit|paid|due|payment|instalment)($|_)")


def test_what_sounds_like_money_is_money() -> None:
    wrong = []
    for model in our_models():
        for field in model._meta.concrete_fields:
            number = isinstance(field, models.DecimalField | models.IntegerField | models.FloatField) and not field.is_relation
            other = field.name.endswith(("_rate", "_multiplier", "_share", "_days", "_day", "_count", "_number"))
            if SOUNDS_LIKE_MONEY.search(field.name) and number and not other and not isinstance(field, MoneyField):
                wrong.append(f"{model._meta.label}.{field.name} is a {type(field).__name__}")
    assert wrong == []


def test_no_model_orders_itself() -> None:
    assert [model._meta.label for model in our_models() if model._meta.ordering] == []


def test_no_model_makes_djangos_own_permissions() -> None:
    assert [model._meta.label for model in our_models() if model._meta.default_permissions] == []


def test_every_status_is_kept_by_the_database() -> None:
    """A status column has a named check, so that no raw statement writes a word the table of moves does not know."""
    without = []
    for model in our_models():
        names = {field.name for field in model._meta.concrete_fields if isinstance(field, models.CharField)}
        checks = [constraint for constraint in model._meta.constraints if isinstance(constraint, models.CheckConstraint)]
        if "status" in names and not any("status" in str(check.condition) for check in checks):
            without.append(model._meta.label)
    assert without == []


@pytest.mark.parametrize("model", [m for m in our_models() if hasattr(m, "MOVES")], ids=lambda model: model._meta.label)
def test_a_table_of_moves_names_every_status(model: Any) -> None:
    words = {value for value, _label in model._meta.get_field("status").flatchoices}
    assert set(model.MOVES) == words
    assert set().union(*model.MOVES.values()) <= words


# --- migrations --------------------------------------------------------------------------------------------------
def test_no_migration_is_missing(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


# --- source ------------------------------------------------------------------------------------------------------
MONEY_MODULES = [
    "crm/lib/money.py", "crm/lib/fields.py", "credit", "collection", "customers",
]  # fmt: skip


def money_sources() -> Iterator[Path]:
    for name in MONEY_MODULES:
        path = ROOT / name
        yield from [path] if path.is_file() else sources(name)


def test_no_float_near_money() -> None:
    """A figure that becomes the pixels of a chart may be a float; its line says so."""
    found = []
    for path in money_sources():
        lines = path.read_text().splitlines()
        for node in ast.walk(tree(path)):
            number = isinstance(node, ast.Constant) and isinstance(node.value, float)
            call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("float", "round")
            if (number or call) and "management" not in path.parts and not lines[node.lineno - 1].endswith("# pixels"):
                found.append(f"{place(path, node)}: {ast.unparse(node)}")
    assert found == []


def test_nothing_is_decided_by_the_clock_inside_a_rule() -> None:
    """Doors take `at`; only what receives a request or a task reads the clock."""
    readers = re.compile(r"(views|api|tasks|shell|home|commands|management|sandbox|seeds|forms|menu|urls|templatetags|demo)")
    found = []
    for path in sources("ledger", "governance", "customers", "risk", "credit", "collection"):
        if readers.search(str(path.relative_to(ROOT))):
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "now", "timezone.now", "datetime.now", "datetime.utcnow", "date.today", "datetime.today", "time.time", "localdate",
            ) and not node.args:  # fmt: skip
                found.append(f"{place(path, node)}: {ast.unparse(node)}")
    allowed = {
        "collection/treatment_lint.py",  # a linter of pages and doors alike: it holds a graph against the rules of contact of today
        "governance/idempotency.py",  # a decorator of API actions: it receives the request
        "customers/search.py",
        "credit/search.py",
        "collection/search.py",  # answer what somebody types into the search of every page
        "governance/scope.py",  # get_for answers an address: it stands at the edge of a request
        "governance/standing.py",  # what is in force when a request asks `has_perm` and `visible_to`, which take no moment
        "governance/sign_in.py",  # the adapter that receives sign-ins
        "governance/session_middleware.py",
        "governance/step_up.py",
        "governance/passwords.py",
        "governance/factors.py",  # receive requests
        "ledger/log.py",  # runs subscribers in this process for commands
    }
    assert [line for line in found if line.split(":")[0] not in allowed] == []


def test_no_signals() -> None:
    found = []
    for path in sources(*PACKAGES):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and re.search(r"^django\.(.*\.)?(signals|dispatch)$", node.module or ""):
                found.append(place(path, node))
    assert found == []


def test_nobody_assigns_a_status() -> None:
    """`lifecycle.move` is the only function that changes one."""
    found = []
    for path in sources("ledger", "governance", "customers", "risk", "credit", "collection"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    if isinstance(target, ast.Attribute) and target.attr == "status":
                        found.append(f"{place(path, node)}: {ast.unparse(node)}")
    allowed = {
        "governance/idempotency.py",  # the HTTP status of a kept answer is no state of work
        "credit/end_of_day.py",  # a partition is finished under the row lock that it was taken with
        "credit/movements.py",  # an instalment's state follows from what was played, its loan's is moved
    }
    assert [line for line in found if line.split(":")[0] not in allowed] == []


def test_no_file_grows_past_its_subject() -> None:
    long = {
        str(path.relative_to(ROOT)): length for path in sources(*PACKAGES) if (length := len(path.read_text().splitlines())) > LONGEST_FILE
    }
    assert long == {}


def test_no_file_is_named_after_a_layer() -> None:
    assert [str(path) for path in sources(*PACKAGES) if path.stem in ("services", "utils", "helpers", "managers", "signals")] == []


def test_no_failure_is_swallowed() -> None:
    """`except Exception` stands where any failure becomes a retry or a line of a report, and nowhere else."""
    found = []
    for path in sources("ledger", "governance", "customers", "risk", "credit", "collection", "crm/lib"):
        if path == ROOT / "ledger" / "deliveries.py":
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ExceptHandler) and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")):
                found.append(place(path, node))
    assert found == []


def test_pure_modules_import_no_framework() -> None:
    pure = ["crm/lib/money.py", "crm/lib/dates.py", "credit/schedule.py", "credit/accrual.py", "credit/allocation.py", "risk/scorecards.py"]
    for name in pure:
        for node in ast.walk(tree(ROOT / name)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [found for found in names if found.split(".")[0] in ("django", "rest_framework", "celery")], name


def test_the_import_order_is_written_down_and_kept() -> None:
    """The layers are checked by import-linter in ./test; here, that the contract still says what the house says."""
    import tomllib

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert set(contracts["root_packages"]) >= set(PACKAGES) - {"sandbox"}
    layers = next(contract["layers"] for contract in contracts["contracts"] if contract["type"] == "layers")
    order = ["collection", "credit", "risk", "customers", "governance", "ledger", "crm.lib"]
    assert [layer for layer in layers if layer in order] == order


UPWARD = ["crm", "collection", "credit", "risk", "customers", "governance", "ledger"]


def test_nobody_imports_upward() -> None:
    found = []
    for rank, package in enumerate(UPWARD[1:], start=1):
        for path in sources(package):
            for node in ast.walk(tree(path)):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
                for name in names:
                    top = name.split(".")[0]
                    if top in UPWARD[:rank] and not name.startswith("crm.lib"):
                        found.append(f"{place(path, node)}: {name}")
    for path in sources("crm/lib"):
        for node in ast.walk(tree(path)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            found += [f"{place(path, node)}: {name}" for name in names if name.split(".")[0] in UPWARD and not name.startswith("crm.lib")]
    assert found == []


# --- pages -------------------------------------------------------------------------------------------------------
INLINE = {
    "inline script": re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>", re.I),
    "inline style": re.compile(r"<style\b", re.I),
    "style attribute": re.compile(r"\sstyle\s*=", re.I),
    "event attribute": re.compile(r"\son[a-z]+\s*=\s*[\"']", re.I),
    "hx-on": re.compile(r"\b(data-)?hx-on\b", re.I),
    "js: values": re.compile(r"hx-(vals|headers|vars)\s*=\s*[\"']\s*(js|javascript):", re.I),
    "javascript: address": re.compile(r"(href|src|action)\s*=\s*[\"']\s*javascript:", re.I),
    "htmx filter that needs eval": re.compile(r"hx-trigger\s*=\s*[\"'][^\"']*\[", re.I),
    "somebody else's server": re.compile(r"<(script|link|img)\b[^>]*(src|href)\s*=\s*[\"'](https?:)?//", re.I),
}


@pytest.mark.parametrize("what", INLINE)
def test_no_template_needs_more_than_the_content_security_policy_gives(what: str) -> None:
    found = []
    for path in sources("templates", suffix=".html"):
        text = re.sub(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}", "", path.read_text(), flags=re.S)
        for match in INLINE[what].finditer(text):
            found.append(f"{path.relative_to(ROOT)}:{text[: match.start()].count(chr(10)) + 1}: {match.group()[:80]}")
    assert found == []


def test_no_template_marks_text_safe() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in sources("templates", suffix=".html")
        if re.search(r"\|\s*safe\b|\{%\s*autoescape off", path.read_text())
    ]
    assert found == []


def test_every_form_that_posts_carries_the_csrf_token() -> None:
    found = []
    for path in sources("templates", suffix=".html"):
        for form in re.finditer(r"<form\b.*?</form>", path.read_text(), re.S | re.I):
            if re.search(r"method=\"post\"", form.group(), re.I) and "csrf" not in form.group():
                found.append(f"{path.relative_to(ROOT)}: {form.group()[:60]}")
    assert found == []


# --- settings ----------------------------------------------------------------------------------------------------
def test_django_admin_is_not_installed() -> None:
    assert not apps.is_installed("django.contrib.admin")
    assert not [route for route in routes() if "django.contrib.admin" in getattr(route.view, "__module__", "")]


def test_signing_up_is_closed() -> None:
    assert not [route for route in routes() if "signup" in route.pattern]


def test_the_content_security_policy_allows_nothing_inline() -> None:
    text = str(settings.CONTENT_SECURITY_POLICY)
    assert "unsafe" not in text
    assert "*" not in text


# --- work after the request --------------------------------------------------------------------------------------
def test_every_beat_entry_names_a_task_that_exists() -> None:
    from crm.celery import app

    app.loader.import_default_modules()
    named = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert named - set(app.tasks) == set()


def test_tasks_take_keywords_and_bear_those_of_the_version_after_next() -> None:
    import inspect

    from crm.celery import app

    app.loader.import_default_modules()
    wrong = []
    for name, task in app.tasks.items():
        if name.split(".")[0] in PACKAGES:
            parameters = inspect.signature(inspect.unwrap(task.run)).parameters.values()
            kinds = {parameter.kind for parameter in parameters}
            if kinds - {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD} or inspect.Parameter.VAR_KEYWORD not in kinds:
                wrong.append(name)
    assert wrong == []


def test_whoever_listens_listens_to_something_that_is_said() -> None:
    """A subscriber to a misspelt event would never be called, and nobody would notice."""
    from ledger import log

    said = "\n".join(path.read_text() for path in sources(*PACKAGES))
    moves = {f"{model._meta.label_lower}.{status}" for model in our_models() if hasattr(model, "MOVES") for status in model.MOVES}
    unheard = []
    for event in log._handlers:
        if not event.startswith("test.") and event not in moves and said.count(f'"{event}"') < 2:
            unheard.append(event)
    assert unheard == []


def test_doors_take_keywords() -> None:
    """A door is known by its `actor`; it takes who and when by name, so that no caller mixes them up."""
    wrong = []
    for path in sources("ledger", "governance", "customers", "risk", "credit", "collection"):
        for node in tree(path).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                positional = {argument.arg for argument in node.args.args + node.args.posonlyargs}
                if "actor" in positional or ("at" in positional and "actor" in {argument.arg for argument in node.args.kwonlyargs}):
                    wrong.append(f"{place(path, node)}: {node.name}")
    assert wrong == []
