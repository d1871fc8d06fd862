"""A directory as the document of a directory file; `directory_from_mapping` reads it back."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from directory.directory import Directory
from directory.organisation import Organisation, SettingsPatch
from directory.people import Grant, Person
from directory.roster import Absence, Duty, DutyOverride, Swap, SwapSide
from store.clock import rfc3339
from store.types import decimal_text


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _filled(pairs: Iterable[tuple[str, Any]], empty: tuple[Any, ...] = ("", None)) -> Any:
    """The pairs with a value, as JSON."""
    return {key: _plain(value) for key, value in pairs if value not in empty and value != ()}


def organisation_document(organisation: Organisation) -> dict[str, Any]:
    """One entry of ``organisations``."""
    patch = organisation.settings
    settings = {
        name: _plain(value)
        for name in SettingsPatch.__dataclass_fields__
        if (value := getattr(patch, name)) is not None
    }
    document: dict[str, Any] = _filled(
        (
            ("path", organisation.path),
            ("name_zh", organisation.name_zh),
            ("name_en", organisation.name_en),
        )
    )
    if organisation.routing:
        document["routing"] = _plain(organisation.routing)
    if settings:
        document["settings"] = settings
    return document


def _grant_document(grant: Grant) -> Any:
    return _filled(
        (
            ("grant", grant.grant),
            ("scope", grant.scope),
            ("from", grant.valid_from),
            ("to", grant.valid_to),
            ("approved_by", grant.approved_by),
        )
    )


def person_document(person: Person) -> dict[str, Any]:
    """One entry of ``people``."""
    document: dict[str, Any] = _filled(
        (
            ("id", person.id),
            ("name", person.name),
            ("roles", tuple(role.value for role in person.roles)),
            ("unit", person.unit),
            ("shift", person.shift),
            ("email", person.email),
            ("phone", person.phone),
            ("language", person.language),
            ("login", person.login),
            ("mixed_roles_by", person.mixed_roles_by),
        )
    )
    if person.grants:
        document["grants"] = [_grant_document(grant) for grant in person.grants]
    for one in person.accounts:
        document[one.channel] = {"team": one.team, "user": one.user}
    if not person.active:
        document["active"] = False
    return document


def duty_document(duty: Duty) -> dict[str, Any]:
    """One line of ``roster``."""
    document: dict[str, Any] = _filled(
        (
            ("org", duty.org),
            ("role", duty.role.value),
            ("people", duty.people),
            ("deputies", duty.deputies),
            ("shift", duty.shift),
            ("weekdays", duty.weekdays),
            ("from", duty.from_day),
            ("to", duty.to_day),
            ("rotate", duty.rotate.value),
        )
    )
    return document


def override_document(override: DutyOverride) -> dict[str, Any]:
    """One line of ``overrides``."""
    return {
        "org": override.org,
        "role": override.role.value,
        "person": override.person,
        "from": rfc3339(override.start),
        "to": rfc3339(override.end),
        **_filled(
            (
                ("instead_of", override.instead_of),
                ("by", override.by),
                ("reason", override.reason),
                ("id", override.id),
            )
        ),
    }


def swap_document(swap: Swap) -> dict[str, Any]:
    """One line of ``swaps``."""
    return {
        "id": swap.id,
        "org": swap.org,
        "role": swap.role.value,
        "first": _side_document(swap.first),
        "second": _side_document(swap.second),
        "by": swap.by,
        **_filled(
            (
                ("reason", swap.reason),
                ("consents", swap.consents),
                ("confirmed_by", swap.confirmed_by),
            )
        ),
    }


def _side_document(side: SwapSide) -> dict[str, Any]:
    return {"person": side.person, "from": rfc3339(side.start), "to": rfc3339(side.end)}


def absence_document(absence: Absence) -> dict[str, Any]:
    """One line of ``absences``."""
    return {
        "person": absence.person,
        "from": rfc3339(absence.start),
        "to": rfc3339(absence.end),
        **_filled(
            (
                ("deputy", absence.deputy),
                ("by", absence.by),
                ("reason", absence.reason),
                ("id", absence.id),
            )
        ),
    }


def holidays_document(directory: Directory) -> dict[str, dict[str, list[str]]]:
    """The section ``holidays``, with years as text."""
    return {
        region: {
            str(year): [day.isoformat() for day in sorted(days)] for year, days in years.items()
        }
        for region, years in directory.holidays.items()
    }


def dump_directory(directory: Directory) -> dict[str, Any]:
    """The whole document, ready for JSON or YAML."""
    return {
        "organisations": [organisation_document(o) for o in directory.organisations],
        "people": [person_document(p) for p in directory.people],
        "roster": [duty_document(d) for d in directory.duties],
        "overrides": [override_document(o) for o in directory.overrides],
        "swaps": [swap_document(s) for s in directory.swaps],
        "absences": [absence_document(a) for a in directory.absences],
        "last_resort": directory.last_resort,
        "holidays": holidays_document(directory),
    }
