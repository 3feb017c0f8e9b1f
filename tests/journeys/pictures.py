"""Pictures of pages in both languages and themes, on a desk and on a phone; fails on what a reader would stumble over.

    .venv/bin/python tests/journeys/pictures.py --base http://127.0.0.1:8000 --user officer --password … / /customers/

A page fails on a console error, a broken content security policy, an answer of 500 and above, sideways scrolling,
text that is cut off without a way to see it, a Latin sentence left on a Chinese page, or when no Chinese font is installed.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
LANGUAGES = ("zh-hans", "en")
THEMES = ("light", "dark")
SIZES = {1280: 800, 390: 844}

# Text that does not fit and is neither scrolled, wrapped nor ended by an ellipsis on purpose.
CLIPPED = """() => [...document.querySelectorAll('h1,h2,h3,th,td,dt,dd,button,a,label,p,span,summary')]
  .filter(e => e.offsetParent && e.children.length === 0 && e.textContent.trim() && e.clientWidth > 1)
  .filter(e => { const s = getComputedStyle(e); return e.scrollWidth > e.clientWidth + 1 && s.overflowX !== 'visible' && s.textOverflow !== 'ellipsis' && s.overflowX !== 'auto' && !e.closest('.visually-hidden'); })
  .map(e => e.textContent.trim().slice(0, 60)).slice(0, 5)"""
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
SENTENCES = """() => { const found = []; const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) { const n = walk.currentNode; const p = n.parentElement;
    if (!p || !p.offsetParent || p.closest('[lang=en],script,style,.mono,code,kbd,.avatar-dot,[data-as-is],.note-text')) continue;
    found.push(n.textContent.trim()); } return found; }"""
LATIN = re.compile(r"^[A-Za-z][A-Za-z’'-]*( [A-Za-z’'-]+){2,}")


@dataclass
class Picture:
    """One page in one look, and what was wrong with it."""

    path: str
    language: str
    theme: str
    width: int
    file: Path
    problems: list[str] = field(default_factory=list)


def chromium() -> str | None:
    """Return the system's Chromium; None lets Playwright use its own."""
    return which("chromium") or which("chromium-browser") or which("google-chrome")


def chinese_font() -> bool:
    """Return whether any font can draw Chinese."""
    answer = subprocess.run(["fc-list", ":lang=zh-cn", "family"], capture_output=True, text=True, check=False)
    return bool(answer.stdout.strip())


def launch(playwright: Any) -> Browser:
    return playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)


def sign_in(context: BrowserContext, base: str, user: str, password: str) -> None:
    """Sign in by the form, as a person does."""
    page = context.new_page()
    page.goto(f"{base}/accounts/login/")
    page.fill("input[name=login]", user)
    page.fill("input[name=password]", password)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/accounts/login" not in url)
    page.close()


def looks(languages: Sequence[str], themes: Sequence[str], widths: Sequence[int]) -> Iterator[tuple[str, str, int]]:
    for language in languages:
        for theme in themes:
            for width in widths:
                yield language, theme, width


def take(
    browser: Browser,
    base: str,
    user: str,
    password: str,
    paths: Iterable[str],
    out: Path,
    *,
    languages: Sequence[str] = LANGUAGES,
    themes: Sequence[str] = THEMES,
    widths: Sequence[int] = tuple(SIZES),
) -> list[Picture]:
    """Take the pictures of `paths` and return them with their problems."""
    out.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(reduced_motion="reduce")
    if user:
        sign_in(context, base, user, password)
    paths = list(paths)
    taken = []
    for language, theme, width in looks(languages, themes, widths):
        cookies: list[Any] = [{"name": n, "value": v, "url": base} for n, v in (("crm_language", language), ("theme", theme))]
        context.add_cookies(cookies)
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": SIZES.get(width, 800)})
        heard: list[str] = []
        page.on("console", lambda message, heard=heard: heard.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error, heard=heard: heard.append(str(error)))
        for path in paths:
            heard.clear()
            name = re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-") or "home"
            picture = Picture(path, language, theme, width, out / f"{user or 'visitor'}-{name}-{language}-{theme}-{width}.png")
            answer = page.goto(f"{base}{path}", wait_until="load")
            settle(page)
            page.screenshot(path=picture.file, full_page=True)
            intended = bool(answer) and 400 <= answer.status < 500  # the browser notes these itself
            picture.problems += [f"console: {text}" for text in heard if not (intended and "status of 4" in text)]
            if answer is None or answer.status >= 500:
                picture.problems.append(f"answered {answer.status if answer else 'nothing'}")
            picture.problems += seen(page, language)
            taken.append(picture)
        page.close()
    context.close()
    return taken


def settle(page: Page) -> None:
    """Wait until panels near the window have come."""
    for top in range(0, page.evaluate("() => document.body.scrollHeight"), 600):
        page.evaluate("top => window.scrollTo(0, top)", top)
        page.wait_for_timeout(40)
    page.wait_for_function("() => !document.querySelector('.htmx-request, .panel-wait:not([data-as-is] *)')", timeout=10000)
    page.wait_for_function("() => !document.querySelector('[data-watched]:not([data-drawn])')", timeout=5000)
    page.evaluate("() => window.scrollTo(0, 0)")
    page.wait_for_timeout(60)


def seen(page: Page, language: str) -> list[str]:
    """Return what a reader would stumble over on the page as it stands."""
    problems = []
    if (extra := page.evaluate(SIDEWAYS)) > 0:
        problems.append(f"scrolls sideways by {extra} px")
    problems += [f"cut off: {text}" for text in page.evaluate(CLIPPED)]
    if language.startswith("zh"):
        problems += [f"not translated: {text[:70]}" for text in page.evaluate(SENTENCES) if LATIN.match(text)]
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--base", default="http://127.0.0.1:8000")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--out", type=Path, default=Path("var/pictures"))
    parser.add_argument("--languages", nargs="+", default=list(LANGUAGES))
    parser.add_argument("--themes", nargs="+", default=list(THEMES))
    parser.add_argument("--widths", nargs="+", type=int, default=list(SIZES))
    options = parser.parse_args()
    if not chinese_font():
        print("No Chinese font is installed: install fonts-noto-cjk, or the pictures show empty boxes.")
        return 1
    with sync_playwright() as playwright:
        browser = launch(playwright)
        taken = take(
            browser,
            options.base,
            options.user,
            options.password,
            options.paths,
            options.out,
            languages=options.languages,
            themes=options.themes,
            widths=options.widths,
        )
        browser.close()
    bad = [picture for picture in taken if picture.problems]
    for picture in bad:
        print(f"{picture.file.name}: {'; '.join(picture.problems)}")
    print(f"{len(taken) - len(bad)} pictures clean, {len(bad)} with problems")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
