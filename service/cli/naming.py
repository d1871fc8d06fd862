"""Names in filters: what nobody knows is a slip of the hand, not an empty list."""

from typing import Final

from book.buckets import ANY
from book.products import SpecBook, shipped_specs
from book.read import read_state
from service.application import Application
from service.cli.desk import WrongCall
from service.moments import DELIVERY
from store.problems import did_you_mean, shorten

MONTHS: Final = f"2406, spot, {ANY}"


def product_code(given: str) -> str:
    """The code as the book writes it; what no specification knows stays as it is."""
    return shipped_specs().match(given) or given


def month_code(given: str) -> str:
    """A delivery month, or nothing.

    Raises:
        WrongCall: when it is none.
    """
    if given and given != ANY and not DELIVERY.fullmatch(given):
        raise WrongCall("cli.not_a_month", found=shorten(given), allowed=MONTHS)
    return given


def refuse_unknown(
    app: Application, *, org: str = "", product: str = "", person: str = "", rule: str = ""
) -> None:
    """For a filter that found nothing: refuse the name that nobody knows.

    Raises:
        WrongCall: with a near name.
    """
    if not (org or product or person or rule):
        return
    from integrations.files import Terms  # noqa: PLC0415 - brings the readers of files

    directory = app.directory
    terms = Terms(app.clock(), directory)
    if org and not terms.knows_org(org):
        raise WrongCall("cli.not_an_org", found=shorten(org), hint=terms.near_org(org))
    if product:
        specs = _specs(app)
        if not specs.match(product):
            hint = specs.near(product)
            raise WrongCall("cli.not_a_product", found=shorten(product), hint=hint)
    if person and directory.person(person) is None:
        hint = did_you_mean(person, [one.id for one in directory.people])
        raise WrongCall("cli.user.unknown", user=shorten(person), hint=hint)
    known = {one.rule.id for one in app.rulebook.files}
    if rule and rule not in known:
        raise WrongCall("cli.not_a_rule", found=shorten(rule), hint=did_you_mean(rule, known))


def _specs(app: Application) -> SpecBook:
    now = app.clock()
    with app.store.reader() as connection:
        return read_state(connection, as_of=now, known_at=now, orgs=()).specs
