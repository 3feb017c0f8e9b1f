"""The pictures of README and tour, taken anew from a running house with the demonstration.

.venv/bin/python docs/pictures/take.py [--base http://127.0.0.1:8000]
"""

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from playwright.sync_api import Browser, sync_playwright  # noqa: E402

from tests.journeys.pictures import chinese_font, launch, settle, sign_in  # noqa: E402

MOST_BYTES = 250_000
PASSWORD = "demo-house-2026"  # noqa: S105  printed by ./run for everybody to use


@dataclass(frozen=True)
class Shot:
    """One picture: who looks at what. `links` are followed from `path` on, each the first of its kind on its page."""

    name: str
    user: str
    path: str
    links: tuple[str, ...] = ()
    language: str = "en"
    theme: str = "light"
    height: int = 860


APPLICATION, OFFER, LOAN = r"/applications/A-[0-9A-Z]+/", r"/offers/O-[0-9A-Z]+/", r"/loans/L-[0-9A-Z]+/"
CUSTOMER, DECISION = r"/customers/C-[0-9A-Z]+/", r"/risk/decisions/D-[0-9A-Z]+/"
SHOTS = [
    Shot("home", "officer", "/"),
    Shot("customer", "officer", "/loans/?sort=-dpd", (LOAN, CUSTOMER), language="zh-hans", theme="dark", height=1000),
    Shot("board", "officer", "/applications/board/"),
    Shot("application", "underwriter", "/applications/review/", (APPLICATION,), height=1000),
    Shot("decision", "risk", "/risk/decisions/?outcome=refer", (DECISION,), height=1000),
    Shot("offer", "officer", "/applications/?status=offered", (APPLICATION, OFFER), height=1000),
    Shot("loan", "operations", "/loans/?sort=-dpd", (LOAN,), height=900),
    Shot("payments", "operations", "/payments/"),
    Shot("desk", "collector", "/collections/desk/"),
    Shot("team", "supervisor", "/collections/board/"),
    Shot("roles", "admin", "/admin/roles/"),
]


def take(browser: Browser, base: str, shot: Shot) -> Path:
    """Take one picture as that person sees it."""
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 1280, "height": shot.height})
    sign_in(context, base, shot.user, PASSWORD)
    cookies: list[Any] = [{"name": n, "value": v, "url": base} for n, v in (("crm_language", shot.language), ("theme", shot.theme))]
    context.add_cookies(cookies)
    page = context.new_page()
    page.goto(base + shot.path)
    for link in shot.links:
        found = re.search(link, page.content())
        if found is None:
            raise SystemExit(f"{shot.name}: {page.url} has no link like {link}. Is the demonstration loaded?")
        page.goto(base + found[0])
    settle(page)
    file = HERE / f"{shot.name}.png"
    page.screenshot(path=file)
    context.close()
    return file


def main() -> int:
    """Take them all; 1 if one is too heavy for the repository."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="http://127.0.0.1:8000")
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    if not chinese_font():
        print("No Chinese font is installed: install fonts-noto-cjk, or the pictures show empty boxes.")
        return 1
    heavy = 0
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for shot in SHOTS:
            if not options.only or shot.name in options.only:
                size = take(browser, options.base, shot).stat().st_size
                heavy += size > MOST_BYTES
                print(f"{shot.name}.png {size:,} bytes{' is too heavy' if size > MOST_BYTES else ''}")
        browser.close()
    return 1 if heavy else 0


if __name__ == "__main__":
    sys.exit(main())
