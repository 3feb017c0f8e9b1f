"""The container's health check: ask our own web server as a visitor of the first allowed host would."""

import os
import sys
import urllib.error
import urllib.request


def main() -> int:
    """Return 0 if /healthz answers 200."""
    host = os.environ.get("CRM_ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".").replace("*", "localhost")
    question = urllib.request.Request("http://127.0.0.1:8000/healthz", headers={"Host": host})
    try:
        with urllib.request.urlopen(question, timeout=4) as answer:
            return 0 if answer.status == 200 else 1
    except (urllib.error.URLError, OSError):
        return 1


if __name__ == "__main__":
    sys.exit(main())
