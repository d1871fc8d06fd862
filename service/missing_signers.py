"""What is said when an approval has not enough signers: who lacks, and who could mend it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from approvals import Outcome, Shortfall, shortfalls
from approvals.state import Code
from directory import Directory
from service.approval_people import names_of, unit_named

Sentence = dict[str, Any]


def missing_signers(decided: Outcome, directory: Directory, at: datetime) -> dict[str, Any]:
    """The parameters of the refusal NO_ELIGIBLE_SIGNERS; nothing for another code.

    ``missing`` is a list of sentences, each its catalogue key under ``say`` and its parameters:
    `service.i18n.wording.Spoken` says them in either language.
    """
    if decided.code != Code.NO_ELIGIBLE_SIGNERS:
        return {}
    found = shortfalls(decided.state, directory, at)
    requester = decided.state.subject.requester
    return {"missing": [one for each in found for one in _told(each, requester, directory)]}


def _told(found: Shortfall, requester: str, directory: Directory) -> Iterator[Sentence]:
    def names(people: Sequence[str]) -> list[str]:
        return names_of(directory, people)

    what = "role" if found.role else "permission" if found.permission else "people"
    wanted = {
        "approval_step": found.step,
        "signer_role": found.role,
        "signer_permission": found.permission,
        "org": unit_named(directory, found.org),
    }
    yield {"say": f"approvals.missing.{what}", "lacks": found.lacks, **wanted}
    if found.there:
        yield {"say": "approvals.missing.there", "people": names(found.there)}
    if found.barred:
        yield {"say": "approvals.missing.barred", "people": names(found.barred)}
    if requester in found.barred:
        yield {"say": "approvals.missing.other_asks", "person": names([requester])}
    if found.granting:
        yield {"say": "approvals.missing.grant", "people": names(found.granting), **wanted}
    elif what == "people":
        yield {"say": "approvals.missing.plan"}
    else:
        who = "by" if found.administrators else "somebody"
        people = names(found.administrators)
        yield {"say": f"approvals.missing.directory_{who}", "people": people, **wanted}
