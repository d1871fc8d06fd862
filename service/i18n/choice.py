"""Which language a person reads: the cookie, then the person's own, then the browser's wish."""

from collections.abc import Collection

from service.i18n.catalogue import LANGUAGES

DEFAULT = "zh"


def choose_language(
    cookie: str = "",
    person: str = "",
    accept: str = "",
    *,
    default: str = DEFAULT,
    known: Collection[str] = LANGUAGES,
) -> str:
    """The first known language among the cookie, the person's setting and `Accept-Language`."""
    for wish in (cookie, person, *accepted(accept)):
        tag = wish.replace("_", "-").split("-")[0].lower()
        if tag in known:
            return tag
    return default


def accepted(header: str) -> list[str]:
    """The tags of an `Accept-Language` header, the most wanted first; faulty parts are dropped."""
    wishes: list[tuple[float, int, str]] = []
    for place, part in enumerate(header[:500].split(",")):
        tag, _, weight = part.strip().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if tag and 0 < quality <= 1:
            wishes.append((-quality, place, tag))
    return [tag for _, _, tag in sorted(wishes)]
