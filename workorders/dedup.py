"""The key under which matches are one and the same trouble."""

import hashlib

from workorders.model import Match


def _digest(parts: tuple[str, ...]) -> str:
    # The unit separator cannot be confused with text: "a","bc" and "ab","c" differ.
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def dedup_key(match: Match) -> str:
    """sha256 of organisation, account, product, month, measure, rule and cause.

    No tier stands in it: a change of colour is a level change of the same order.
    """
    return _digest(
        (
            match.org,
            match.account,
            match.product,
            match.month,
            match.measure,
            match.rule,
            match.cause,
        )
    )


def match_id(match: Match) -> str:
    """The match's own identity: the same facts under the same rule at the same event time.

    A match that is delivered twice (a replay after a crash) is stored once.
    """
    return _digest(
        (
            dedup_key(match),
            match.code,
            match.version,
            "" if match.level is None else match.level.value,
            match.facts_hash,
            match.event_time.isoformat(),
            match.batch_run,
            *match.objects,
            "",
            *match.event_ids,
        )
    )
