"""Writes the page of codes, docs/<language>/codes.md, from the catalogues.

Each row is a code, the sentences that the service says of it, and what to do. No word stands here:
the sentences are those of the rooms, the advice is the catalogue ``codes``. Run it after a code or
its words changed::

    .venv/bin/python -m scripts.write_codes

With ``--check`` it writes nothing, and ends with 1 when a page is not what it would write.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from service.i18n.catalogue import LANGUAGES, LOCALE_DIR, Words, load_words, read_domains

DOCS = Path(__file__).parents[1] / "docs"
#: Families of keys whose last part is a code that somebody meets.
FAMILIES = (
    "problem", "reason", "api", "approvals.reason", "ui.fault", "ui.sign_in", "cli.code",
    "trail.fault", "explanation",
)  # fmt: skip
_KEY = re.compile(rf"(?P<family>{'|'.join(map(re.escape, FAMILIES))})\.(?P<code>[A-Z][A-Z0-9_]*)")
#: A fault of the console has its advice beside it already.
_NEXT = "ui.fault_next"
#: The sections in the order of the page, and what they take: a catalogue and a family, or a
#: catalogue and the beginning of keys. The longest beginning decides.
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "answers": ("api api", "figures api", "service ui.fault"),
    "entry": (
        "service ui.sign_in", "api reason", "demo reason", "integrations reason",
        "order_form reason", "web reason.CLICK_FAILED", "workorders reason.BAD_",
        "workorders reason.EXPIRED", "workorders reason.STALE_TIMESTAMP",
        "workorders reason.MALFORMED", "workorders reason.READ_ONLY_METHOD",
        "workorders reason.UNKNOWN_NOTICE", "workorders reason.NOTICE_ON_ITS_WAY",
    ),
    "requests": ("api problem", "figures problem", "silences reason.TIME_"),
    "orders": ("workorders reason", "merging reason", "exemptions reason", "exemptions problem"),
    "approvals": (
        "approvals problem", "approvals reason", "approvals approvals.reason", "web reason",
    ),
    "around": (
        "handover reason", "drills reason", "reviews reason", "silences reason", "policy problem",
        "case_tests reason", "workorders reason.SILENCE_NEEDS", "workorders reason.SILENCE_OVER",
        "workorders reason.SILENCE_CHANGED", "workorders reason.SILENCE_TOO_LONG",
        "workorders reason.SILENCE_ENDS_EARLY", "workorders reason.UNKNOWN_SILENCE",
        "workorders reason.OWN_BREACH", "workorders reason.NEEDS_ORG",
    ),
    "access": ("directory reason",),
    "verdicts": (
        "rules reason", "detectors explanation", "agents reason.LATE_EVENT",
        "agents reason.MORE_EVIDENCE", "agents reason.ORDER_NEEDS_APPROVAL",
        "agents reason.SESSION_CLOSED", "agents reason.UNKNOWN_VERDICT", "agents reason.CORRECTED",
    ),
    "book": ("book problem", "book reason", "agents problem", "agents reason"),
    "events": ("auditlog problem", "agents problem.EVENT_", "agents problem.LEVEL_"),
    "imports": ("integrations problem",),
    "directory": ("directory problem",),
    "rules": ("rules problem",),
    "models": ("detectors problem", "detectors reason", "agents reason.FIRST_MODEL"),
    "running": (
        "service reason", "orders reason", "test_calls reason", "apprise reason",
        "returned_mail reason", "trail problem",
        "auditlog problem.DISK_FULL", "auditlog problem.LOG_BUSY", "auditlog problem.LOG_CLOSED",
        "auditlog problem.LOG_ERROR", "auditlog problem.LOG_FAILED",
        "auditlog problem.LOG_UNAVAILABLE", "auditlog problem.LOG_VERSION",
        "agents reason.ATTEMPTS_", "agents reason.CHANNEL_", "agents reason.CORRELATOR_",
        "agents reason.ESCALATOR_", "agents reason.HEARTBEAT_", "agents reason.NO_",
        "agents reason.REPLAY_", "agents reason.RULEBOOK_", "agents reason.TIMER_",
    ),
    "trail": ("trail trail.fault", "trail reason", "cli cli.code"),
    "incidents": ("demo problem",),
}  # fmt: skip


class Homeless(LookupError):  # noqa: N818 - a state of the page, not of a call
    """A code stands in a catalogue that no section of the page takes."""


def coded_keys() -> Iterator[tuple[str, str, str]]:
    """Domain, key and code of every word that says what a code means."""
    for domain, entries in read_domains(LOCALE_DIR, "en"):
        for key in entries:
            if found := _KEY.fullmatch(key):
                yield domain, key, found["code"]


def section_of(domain: str, key: str) -> str:
    """The section that takes a key.

    Raises:
        Homeless: none does; name its catalogue in `SECTIONS`.
    """
    fitting = [
        (len(begin), section)
        for section, wanted in SECTIONS.items()
        for home, _, begin in (one.partition(" ") for one in wanted)
        if home == domain and key.startswith(f"{begin}." if begin in FAMILIES else begin)
    ]
    if not fitting:
        raise Homeless(f"{domain}: {key}")
    return max(fitting)[1]


def sections() -> dict[str, dict[str, list[str]]]:
    """Section, code, and the keys that say it; a code stands once, in the first that takes it."""
    found: dict[str, dict[str, list[str]]] = {}
    places: dict[str, set[str]] = {}
    for domain, key, code in coded_keys():
        found.setdefault(code, {}).setdefault(section_of(domain, key), []).append(key)
        places.setdefault(code, set()).add(section_of(domain, key))
    page: dict[str, dict[str, list[str]]] = {section: {} for section in SECTIONS}
    for code in sorted(found):
        home = min(places[code], key=list(SECTIONS).index)
        page[home][code] = [key for keys in found[code].values() for key in keys]
    return page


def row(words: Words, code: str, keys: Iterable[str]) -> str:
    """One row of a table: the code, its sentences, the advice."""
    said = dict.fromkeys(words.text(key) for key in keys)
    advice = (f"codes.do.{code}", f"{_NEXT}.{code}")
    told = next((words.text(key) for key in advice if key in words), "")
    return f"| `{code}` | {'<br>'.join(map(_cell, said))} | {_cell(told)} |"


def _cell(text: str) -> str:
    """A sentence in a cell: no sign of it may end the cell or begin markup."""
    return text.replace("\n", " ").replace("|", r"\|").replace("<", "&lt;")


def page(language: str) -> str:
    """The page of one language."""
    words = load_words(language, strict=True)
    parts = [f"# {words.text('codes.title')}", words.text("codes.intro")]
    heads = [words.text(f"codes.head.{one}") for one in ("code", "meaning", "do")]
    for section, codes in sections().items():
        parts += [
            f"## {words.text(f'codes.{section}.title')}",
            words.text(f"codes.{section}.what"),
            "\n".join(
                [f"| {' | '.join(heads)} |", "|---|---|---|"]
                + [row(words, code, keys) for code, keys in codes.items()]
            ),
        ]
    return "\n\n".join(parts) + "\n"


def main() -> int:
    """Write the pages, or with ``--check`` compare them."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    options.add_argument("--check", action="store_true", help="write nothing; 1 when stale")
    check = options.parse_args().check
    stale = 0
    try:
        pages = {language: page(language) for language in LANGUAGES}
    except Homeless as homeless:
        print(f"{homeless}: no section takes it; name its catalogue in SECTIONS of this script")
        return 2
    for language, text in pages.items():
        path = DOCS / language / "codes.md"
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        print(f"docs/{language}/codes.md: {'stale' if check else 'written'}")
        if not check:
            path.write_text(text, encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
