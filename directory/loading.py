"""The directory file: organisations, people, roster, from YAML or a plain mapping.

An entry with a fault is left out and reported; the others are kept. Of a faulty organisation its
bare path stays, so that the people in it do.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from directory.directory import Directory
from directory.entries import EntryReader
from directory.organisation import Organisation, SettingsPatch, ancestors, is_path
from directory.reading import parse_yaml
from directory.schedule import parse_sessions, shipped_holidays
from store.problems import Problem, did_you_mean

_T = TypeVar("_T")

_FILE = (
    "version",
    "organisations",
    "people",
    "roster",
    "overrides",
    "swaps",
    "absences",
    "last_resort",
    "holidays",
)
_ORGANISATION = ("path", "name_zh", "name_en", "routing", "settings")
_SETTINGS = tuple(SettingsPatch.__dataclass_fields__)
_LEVELS = ("red", "orange", "yellow", "blue", "*")
_STATUSES = ("commitment", "pending", "draft", "none")


def load_directory(text: str, file: str) -> tuple[Directory, list[Problem]]:
    """The directory that a YAML file describes, and what is wrong with the file."""
    document, problems = parse_yaml(text, file)
    if problems or document is None:
        return Directory(), problems
    return directory_from_mapping(document, file)


def directory_from_mapping(document: Any, file: str = "") -> tuple[Directory, list[Problem]]:
    """As `load_directory`, for a document that is already a mapping."""
    return _Loader(file).load(document)


class _Loader(EntryReader):
    def load(self, document: Any) -> tuple[Directory, list[Problem]]:
        root = self.mapping(document, _FILE, "file")
        if root is None:
            return Directory(), self.problems
        organisations = self._entries(
            root, "organisations", self._organisation, lambda o: o.path, _bare
        )
        self.tree = {path for o in organisations for path in ancestors(o.path)}
        people = self._entries(root, "people", self.person, lambda p: p.id)
        self.known = {person.id for person in people}
        self._routing_people(root)
        duties = self._entries(root, "roster", self.duty)
        last_resort = self.text(root, "last_resort")
        if last_resort and not self.is_known(root, "last_resort", last_resort):
            last_resort = ""
        directory = Directory(
            organisations=tuple(organisations),
            people=tuple(people),
            duties=tuple(duties),
            overrides=tuple(self._entries(root, "overrides", self.override)),
            absences=tuple(self._entries(root, "absences", self.absence)),
            last_resort=last_resort,
            holidays=self._holidays(root),
            swaps=tuple(self._entries(root, "swaps", self.swap, lambda s: s.id)),
        )
        return directory, self.problems

    def _entries(
        self,
        root: Mapping[str, Any],
        key: str,
        read: Callable[[Mapping[str, Any]], _T],
        identity: Callable[[_T], str] | None = None,
        salvage: Callable[[_T], _T | None] = lambda _: None,
    ) -> list[_T]:
        """The good entries of the list at `key`; an entry whose reading adds an error is out."""
        kept: list[_T] = []
        seen: set[str] = set()
        for holder, index, entry in self.items(root, key):
            if not isinstance(entry, Mapping):
                self.report("NOT_A_MAPPING", holder, index, field=key, found=entry)
                continue
            before = self.errors
            value: _T | None = read(entry)
            if value is not None and self.errors != before:
                value = salvage(value)
            if value is None:
                continue
            name = identity(value) if identity else None
            if name is not None and name in seen:
                self.report("DUPLICATE_ID", entry, field=key, found=name)
                continue
            seen.add(name or "")
            kept.append(value)
        return kept

    # --- organisations --------------------------------------------------------------------------

    def _organisation(self, entry: Mapping[str, Any]) -> Organisation:
        self.mapping(entry, _ORGANISATION, "organisations")
        return Organisation(
            path=self.path(entry, "path", self.needed(entry, "path")),
            name_zh=self.text(entry, "name_zh"),
            name_en=self.text(entry, "name_en"),
            routing=self._routing(entry),
            settings=self._settings(entry.get("settings") or {}),
        )

    def _routing(self, entry: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        value = entry.get("routing")
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            return {"*": self.texts(entry, "routing")}
        levels = self.mapping(value, _LEVELS, "routing") or {}
        return {level: self.texts(levels, level) for level in levels if level in _LEVELS}

    def _routing_people(self, root: Mapping[str, Any]) -> None:
        """Report people in routing lists who do not exist; the others still get the order."""
        for _, _, entry in self.items(root, "organisations"):
            value = entry.get("routing") if isinstance(entry, Mapping) else None
            holders = [(entry, "routing")] if isinstance(value, list) else []
            if isinstance(value, Mapping):
                holders = [(value, level) for level in value]
            for holder, key in holders:
                for one in holder[key] if isinstance(holder[key], list) else ():
                    self.is_known(holder, key, str(one), severity="warning")

    def _settings(self, node: Any) -> SettingsPatch:
        entry = self.mapping(node, _SETTINGS, "settings")
        if entry is None:
            return SettingsPatch()
        timezone = self.text(entry, "timezone") or None
        if timezone is not None:
            try:
                ZoneInfo(timezone)
            except (ZoneInfoNotFoundError, ValueError):
                self.report("UNKNOWN_TIMEZONE", entry, "timezone", found=timezone)
        return SettingsPatch(
            product=self._said(entry, "product"),
            month=self._said(entry, "month"),
            status_map=self._status_map(entry),
            submit_limit=self.quantity(entry, "submit_limit"),
            erp_sync_within_s=self.whole(entry, "erp_sync_within_s"),
            erp_expected=self.flag(entry, "erp_expected"),
            max_lag_s=self.whole(entry, "max_lag_s"),
            sites=self.texts(entry, "sites") if entry.get("sites") is not None else None,
            lateness_s=self._named(entry, "lateness_s", self.whole),
            feed_every_s=self._named(entry, "feed_every_s", self.whole),
            timezone=timezone,
            exchange=self._said(entry, "exchange"),
            sessions=self._named(entry, "sessions", self._session_list),
            accounts=self._named(entry, "accounts", self.text),
        )

    def _said(self, entry: Mapping[str, Any], key: str) -> str | None:
        return self.text(entry, key) if entry.get(key) is not None else None

    def _named(
        self,
        entry: Mapping[str, Any],
        key: str,
        read: Callable[[Mapping[str, Any], str], _T | None],
    ) -> dict[str, _T] | None:
        """The mapping at `key` with free names, its values read by `read`."""
        node = entry.get(key)
        if node is None:
            return None
        if not isinstance(node, Mapping):
            self.report("NOT_A_MAPPING", entry, key, found=node)
            return None
        values = ((str(name), read(node, name)) for name in node)
        return {name: value for name, value in values if value is not None}

    def _status_map(self, entry: Mapping[str, Any]) -> dict[str, str] | None:
        found = self._named(entry, "status_map", self.text)
        for event_type, status in (found or {}).items():
            if status not in _STATUSES:
                self.report(
                    "UNKNOWN_STATUS",
                    entry["status_map"],
                    event_type,
                    found=status,
                    allowed=", ".join(_STATUSES),
                    hint=did_you_mean(status, _STATUSES),
                )
        return found

    def _session_list(self, node: Mapping[str, Any], key: str) -> tuple[str, ...]:
        texts = self.texts(node, key)
        try:
            parse_sessions(texts)
        except ValueError:
            allowed = "09:00-10:15, 21:00-01:00"
            self.report("BAD_SESSIONS", node, key, found=", ".join(texts), allowed=allowed)
        return texts

    def _holidays(self, root: Mapping[str, Any]) -> dict[str, dict[int, frozenset[date]]]:
        loaded: dict[str, dict[int, frozenset[date]]] = {}
        regions = root.get("holidays")
        if regions is None:
            return loaded
        for region, years in (self.mapping(regions, shipped_holidays(), "holidays") or {}).items():
            if not isinstance(years, Mapping):
                self.report("NOT_A_MAPPING", regions, region, found=years)
                continue
            for year in years:
                days = [self._holiday(holder, i, year) for holder, i, _ in self.items(years, year)]
                good = frozenset(day for day in days if day is not None)
                if len(good) == len(days):
                    loaded.setdefault(region, {})[int(year)] = good
        return loaded

    def _holiday(self, holder: Any, index: int, year: Any) -> date | None:
        """One day of a year's list; a list with a bad day is left out whole, never guessed."""
        text = str(holder[index])
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = None
        if day is None or str(day.year) != str(year):
            self.report("BAD_DATE", holder, index, field="holidays", found=text, allowed=f"{year}")
            return None
        return day


def _bare(organisation: Organisation) -> Organisation | None:
    return Organisation(organisation.path) if is_path(organisation.path) else None
