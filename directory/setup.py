"""A directory from the short set-up that stands beside a replayable incident."""

from collections.abc import Mapping
from typing import Any

from directory.directory import Directory
from directory.loading import directory_from_mapping
from directory.organisation import ancestors
from store.problems import Problem

_SETTINGS = (
    ("product", "product"),
    ("month", "month"),
    ("status_map", "status_map"),
    ("submit_limit_t", "submit_limit"),
    ("erp_sync_within_s", "erp_sync_within_s"),
    ("max_lag_s", "max_lag_s"),
    ("sites", "sites"),
    ("lateness_s", "lateness_s"),
    ("accounts", "accounts"),
)


def directory_from_setup(setup: Mapping[str, Any]) -> tuple[Directory, list[Problem]]:
    """The organisation, people, routing and settings that an incident's set-up names.

    Of `setup` only what the directory holds is read: ``org``, ``units``, ``people``, ``assign``,
    ``sessions`` and the organisation's settings. Positions, limits and contracts are the book's.
    """
    org = setup["org"]
    settings: dict[str, Any] = {
        ours: setup[theirs] for theirs, ours in _SETTINGS if setup.get(theirs) is not None
    }
    if setup.get("sessions"):
        settings["sessions"] = {setup.get("product", ""): list(setup["sessions"])}
    units = [*setup.get("units", ()), *(person["unit"] for person in setup["people"])]
    paths = dict.fromkeys(path for unit in (org, *units) for path in ancestors(unit))
    organisations = [
        {"path": path, "settings": settings, "routing": list(setup.get("assign", ()))}
        if path == org
        else {"path": path}
        for path in paths
    ]
    return directory_from_mapping({"organisations": organisations, "people": setup["people"]})
