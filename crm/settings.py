"""One settings file. What an installation must say comes from the environment; `env()` refuses to start on a gap.

`CRM_ENV`: `production` (no default secret, TLS cookies, HSTS), `local` (the embedded servers of `./run`), `test`,
and `tooling` (mypy, makemigrations, message extraction: no server, throw-away secrets).
"""

import secrets
from pathlib import Path
from typing import Any

import environ
import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from crm.lib import scrub

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

CRM_ENV = env.str("CRM_ENV", default="production")
if CRM_ENV not in ("production", "local", "test", "tooling"):
    raise ImproperlyConfigured(f"CRM_ENV is {CRM_ENV!r}; it is production, local, test or tooling.")
TOOLING, TEST, PRODUCTION = CRM_ENV == "tooling", CRM_ENV == "test", CRM_ENV == "production"


def required(name: str, tooling: str) -> str:
    """Return the variable `name`; only the tooling profile has a stand-in."""
    value = env.str(name, default=tooling if TOOLING else "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. See docs/operations.md; `./run` sets it for a local start.")
    return value


# --- identity of this installation -------------------------------------------------------------------------------
VERSION = "0.1.0"
CURRENCY = env.str("CRM_CURRENCY", default="CNY")
BASE_URL = env.str("CRM_BASE_URL", default="http://127.0.0.1:8000")
DEBUG = False
SECRET_KEY = required("CRM_SECRET_KEY", tooling=secrets.token_urlsafe(50))
if PRODUCTION and len(SECRET_KEY) < 40:
    raise ImproperlyConfigured("CRM_SECRET_KEY is too short: give at least 40 random characters.")
ALLOWED_HOSTS = env.list("CRM_ALLOWED_HOSTS", default=[] if PRODUCTION else ["127.0.0.1", "localhost", "[::1]", "testserver"])
if PRODUCTION and not ALLOWED_HOSTS:
    raise ImproperlyConfigured("CRM_ALLOWED_HOSTS is not set: name the hosts this installation answers to.")
CSRF_TRUSTED_ORIGINS = env.list("CRM_TRUSTED_ORIGINS", default=[])

# Keys that seal personal data: "v1:BASE64,v2:BASE64" from the environment, or a file made with mode 0600.
VAULT_KEYS = env.str("CRM_VAULT_KEYS", default="")
VAULT_FILE = env.str("CRM_VAULT_FILE", default="")
if TOOLING and not (VAULT_KEYS or VAULT_FILE):
    VAULT_KEYS = "v1:" + "A" * 43 + "="
TRANSIT_URL = env.str("CRM_TRANSIT_URL", default="")  # a key server that wraps the data keys in place of a key of our own
TRANSIT_TOKEN = env.str("CRM_TRANSIT_TOKEN", default="")
TRANSIT_KEY = env.str("CRM_TRANSIT_KEY", default="crm")
VAULT_FRESH = env.int("CRM_VAULT_FRESH", default=60)  # seconds after which a process asks again which data key seals
if not (VAULT_KEYS or VAULT_FILE or TRANSIT_URL):
    raise ImproperlyConfigured("CRM_VAULT_KEYS, CRM_VAULT_FILE or CRM_TRANSIT_URL is not set: without it personal data cannot be sealed.")

# --- applications ------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "django_filters",
    "django_structlog",
    "rest_framework",
    "oauth2_provider",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "crm.apps.CrmConfig",
    "crm.lib.apps.FloorConfig",
    "ledger",
    "governance",
    "customers",
    "risk",
    "credit",
    "collection.apps.CollectionsConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "crm.middleware.RequestLog",
    "crm.middleware.request_id_header",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "crm.middleware.reader",
    "crm.middleware.in_vain",
    "governance.session_middleware.Living",
    "crm.middleware.closed_by_default",
    "crm.middleware.preview",
    "crm.middleware.readable",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "crm.middleware.what_cannot_be_read",
    "crm.middleware.refusals",
    "crm.search.remember",
]
ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "crm.shell.context",
            ],
        },
    }
]

# --- servers -----------------------------------------------------------------------------------------------------
DB_ROLE = env.str("CRM_DB_ROLE", default="app")
OWNER = DB_ROLE == "owner"  # migrations run as the owner of the tables, nothing else does
_app_url = required("DATABASE_URL", tooling="postgres://nobody@127.0.0.1:1/none")
_url = {"owner": env.str("DATABASE_OWNER_URL", default=_app_url), "read": env.str("DATABASE_READ_URL", default="")}.get(DB_ROLE, _app_url)
if not _url:
    raise ImproperlyConfigured("CRM_DB_ROLE=read needs DATABASE_READ_URL, the database as the role crm_read")
DATABASES = {"default": environ.Env.db_url_config(_url)}
DATABASES["default"] |= {
    "ENGINE": "django.db.backends.postgresql",
    "CONN_MAX_AGE": 600,
    "CONN_HEALTH_CHECKS": True,
    "DISABLE_SERVER_SIDE_CURSORS": False,
    "OPTIONS": {
        **DATABASES["default"].get("OPTIONS", {}),
        # An owner migrates and may take long; a page or task that takes this long is stuck.
        "options": "-c lock_timeout=10s -c idle_in_transaction_session_timeout=5min -c statement_timeout="
        + ("0" if OWNER else env.str("CRM_STATEMENT_TIMEOUT", default="60s")),
        "application_name": env.str("CRM_PROCESS", default="crm"),
    },
}
REDIS_URL = required("REDIS_URL", tooling="redis://127.0.0.1:1/0")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": env.str("CRM_CACHE_PREFIX", default="crm"),
    }
}
SANDBOX_URL = env.str("CRM_SANDBOX_URL", default="")
PORTS = {
    "payout": env.str("CRM_PAYOUT_URL", default=SANDBOX_URL and SANDBOX_URL + "/payouts"),
    "sms": env.str("CRM_SMS_URL", default=SANDBOX_URL and SANDBOX_URL + "/sms"),
    "app": env.str("CRM_APP_URL", default=SANDBOX_URL and SANDBOX_URL + "/app"),
    "ivr": env.str("CRM_IVR_URL", default=SANDBOX_URL and SANDBOX_URL + "/ivr"),
    "mail": env.str("CRM_SMTP_URL", default=""),
    "telephony": env.str("CRM_TELEPHONY_URL", default=SANDBOX_URL and SANDBOX_URL + "/calls"),
    "checkout": env.str("CRM_CHECKOUT_URL", default=SANDBOX_URL and SANDBOX_URL + "/checkout"),
    "bureau": env.str("CRM_BUREAU_URL", default=SANDBOX_URL and SANDBOX_URL + "/bureau/reports"),
}
BUREAU_KEY = env.str("CRM_BUREAU_KEY", default="")  # agreed with the bureau: base64 of 32 bytes that seal the person asked about
MESSAGE_SENDERS = env.int("CRM_MESSAGE_SENDERS", default=1)  # worker processes that send at the same time
# Calls a second/how many at once after a pause/how many under way, over all processes.
GATEWAY_RATES = {
    "sms": env.str("CRM_RATE_SMS", default="200/200/16"),
    "email": env.str("CRM_RATE_MAIL", default="200/200/16"),
    "app": env.str("CRM_RATE_APP", default="200/200/16"),
    "ivr": env.str("CRM_RATE_IVR", default="10/10/10"),
}
MAIL_FROM = env.str("CRM_MAIL_FROM", default="service@lender.invalid")
MAIL_DOMAIN = env.str("CRM_MAIL_DOMAIN", default=MAIL_FROM.partition("@")[2])  # of our Message-IDs
# What the gateway signs its delivery receipts with; empty: no receipt is believed.
RECEIPT_SECRET = env.str("CRM_RECEIPT_SECRET", default="")
# Where files lie at rest: an object store, or the folder MEDIA_ROOT while this is empty. Sealed before they get there.
PORTS["storage"] = env.str("CRM_STORAGE_URL", default="")
PORTS["transit"] = TRANSIT_URL
STORAGE_TOKEN = env.str("CRM_STORAGE_TOKEN", default="")

CELERY_BROKER_URL = "memory://" if TOOLING else env.str("CELERY_BROKER_URL", default=REDIS_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "global_keyprefix": env.str("CRM_CACHE_PREFIX", default="crm") + ":",
    # A request must not hang when the broker is away: the sweeper finds the work in the database.
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 4
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2}
CELERY_TIMEZONE = "UTC"

# --- identity and sessions ---------------------------------------------------------------------------------------
AUTH_USER_MODEL = "governance.User"
AUTHENTICATION_BACKENDS = ["governance.sign_in.Backend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "governance.passwords.LongEnough"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
if TEST:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # hundreds of sign-ins in tests
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "governance.sign_in.ClosedSignup"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_PREVENT_ENUMERATION = True
# Of second factors; of passwords the rule `sign_in.failures` says it, see governance.lockout.
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "10/m/ip,5/15m/key", "reauthenticate": "20/m/user"}
ACCOUNT_LOGIN_TIMEOUT = 300  # seconds between password and second factor
MFA_ADAPTER = "governance.factors.SealedFactors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "governance.factor_forms.CodeForm",
    "authenticate_webauthn": "governance.factor_forms.SecondPasskeyForm",
    "login_webauthn": "governance.factor_forms.LoginPasskeyForm",
    "activate_totp": "governance.factor_forms.TotpForm",
}
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # an administrator gave the address, nobody signs up with one
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 1
MFA_TOTP_ISSUER = env.str("CRM_NAME", default="Consumer-finance CRM")
# Single sign-on by OpenID Connect: off while the issuer is empty. See docs/admin.md.
OIDC = {
    "issuer": env.str("CRM_OIDC_ISSUER", default="").rstrip("/"),
    "client_id": env.str("CRM_OIDC_CLIENT_ID", default=""),
    "client_secret": env.str("CRM_OIDC_CLIENT_SECRET", default=""),
    "name": env.str("CRM_OIDC_NAME", default=""),
    "domains": [domain.lower() for domain in env.list("CRM_OIDC_DOMAINS", default=[])],
    "claim": env.str("CRM_OIDC_CLAIM", default="email"),
}
TRUSTED_PROXIES = env.int("CRM_TRUSTED_PROXIES", default=0)  # how many of ours stand before this process and add to X-Forwarded-For
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# Cookies do not know ports: two houses on one machine would sign each other out without names of their own.
SESSION_COOKIE_NAME = env.str("CRM_COOKIE_PREFIX", default="crm") + "_session"
CSRF_COOKIE_NAME = env.str("CRM_COOKIE_PREFIX", default="crm") + "_csrf"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "crm.problems.csrf_failure"
OAUTH2_PROVIDER_APPLICATION_MODEL = "governance.ApiClient"
OAUTH2_PROVIDER = {
    "SCOPES_BACKEND_CLASS": "governance.api_clients.Scopes",
    "OAUTH2_VALIDATOR_CLASS": "governance.api_clients.Validator",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "ALLOWED_GRANT_TYPES": ["client_credentials"],
}

# --- transport ---------------------------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_HANDLERS = [
    "crm.lib.uploads.Bounded",  # first: what is too large for every page is passed over
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# --- language, time, static --------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "crm_language"
USE_I18N = USE_TZ = True
USE_THOUSAND_SEPARATOR = False
TIME_ZONE = env.str("CRM_TIME_ZONE", default="Asia/Shanghai")
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("CRM_STATIC_ROOT", default=str(BASE_DIR / "var" / "static")))
STATICFILES_DIRS = [path for path in [BASE_DIR / "static_built"] if path.exists()]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION or CRM_ENV == "local"
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = TEST
MEDIA_ROOT = Path(env.str("CRM_MEDIA_ROOT", default=str(BASE_DIR / "var" / "media")))

# --- API ---------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "governance.api_clients.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["crm.lib.api_defaults.Needs"],
    "DEFAULT_PARSER_CLASSES": ["crm.lib.api_defaults.Json"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "crm.lib.api_defaults.Cursor",
    "DEFAULT_SCHEMA_CLASS": "crm.lib.api_schema.Schema",
    "EXCEPTION_HANDLER": "crm.api.problem",
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Consumer-finance CRM",
    "DESCRIPTION": "Customers, applications, offers, loans, repayments and collection cases.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {  # fields of one name and different values
        "GLAccountKindEnum": "credit.models.GLAccount.Kind",
        "JournalSourceEnum": "credit.models.Journal.Source",
        "ChannelEnum": "governance.models.identity.Channel",
        "ContactChannelEnum": "collection.models.Channel",
        "ContactWayEnum": "customers.models.ContactChannel",
        "ContactOutcomeEnum": "collection.models.Outcome",
        "BacktestKindEnum": "risk.models.Backtest.Kind",
        "BacktestStatusEnum": "risk.models.Backtest.Status",
        "DecisionOutcomeEnum": "risk.models.Decision.Outcome",
        "RelationSourceEnum": "customers.models.Relation.Source",
        "RelationKindEnum": "customers.models.Relation.Kind",
        "ReversalReasonEnum": "credit.reversals.Reason",
        "JournalReasonEnum": "credit.proposals_api.REASONS",
        "LoanActInWhyEnum": "credit.acts.Why",
        "ActivityKindEnum": "customers.models.Activity.Kind",
        "DocumentKindEnum": "customers.models.Document.Kind",
        "HandoverReasonEnum": "customers.models.Handover.Reason",
        "DisputeKindEnum": "collection.models.Dispute.Kind",
        "ComplaintKindEnum": "collection.models.Complaint.Kind",
        "PlanKindEnum": "collection.models.ReliefPlan.Kind",
        "PauseReasonEnum": "collection.models.Case.PauseReason",
        "CloseReasonEnum": "collection.models.Case.CloseReason",
        "EvidenceEnum": "credit.act_builds.Evidence",
        "NextActionEnum": "collection.part_api.NEXT",
        "PurposeEnum": "customers.models.Purpose",
        "PromiseOutStatusEnum": "collection.models.Promise.Status",
        "LegalStatusEnum": "collection.models.LegalAction.Status",
        "LegalOutcomeEnum": "collection.models.LegalAction.Outcome",
        "LegalCostKindEnum": "collection.models.LegalCost.Kind",
        "VisitWhyEnum": "collection.models.FieldVisit.Why",
        "VisitSourceEnum": "collection.models.FieldVisit.Source",
        "TraceKindEnum": "collection.models.TraceFind.Kind",
        "TracePurposeEnum": "collection.models.TraceRequest.Purpose",
        "QualityStatusEnum": "collection.models.QualityReview.Status",
    },
    "OAUTH2_TOKEN_URL": "/api/oauth/token/",
}

# --- logs --------------------------------------------------------------------------------------------------------
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_USER_ID_FIELD = "pk"
_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.ExtraAdder(),
    structlog.processors.format_exc_info,
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
                scrub.lines,
            ],
            "foreign_pre_chain": _PROCESSORS,
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env.str("CRM_LOG_LEVEL", default="WARNING" if TEST or TOOLING else "INFO")},
    "loggers": {
        "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "celery.app.trace": {"level": "WARNING"},
    },
}
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_PROCESSORS,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
