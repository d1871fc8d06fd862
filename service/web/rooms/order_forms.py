"""The forms of the acts on a work order: what each asks for, and what was entered before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from approvals.state import OVERRIDE_KIND
from service.web.rooms.entered import NOTHING_ENTERED, Entered
from service.web.rooms.here import Here
from service.web.rooms.order_conditions import condition_text, unmet_of
from service.web.views.parts import Choice, FormField
from workorders.guard import DISPOSITIONS, Condition
from workorders.levels import Level
from workorders.model import WorkOrder
from workorders.states import OVERRIDE, Verb

ROOT_CAUSES = (
    "INTERFACE_FAULT",
    "DATA_FAULT",
    "PROCESS_GAP",
    "ROLE_MISSING_PERMISSION",
    "HUMAN_ERROR",
    "MARKET_MOVE",
    "LIMIT_UNFIT",
    "ACCOUNT_MISUSE",
    "SYSTEM_FAULT",
    "FALSE_ALARM",
    "OTHER",
)
ASKS = ("hedge_order", "limit_change", "override")
_CORRECTIVE_DAYS = 7
#: What the form of a snooze offers; the policy says how long it may be at most.
_SNOOZE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Forms:
    """The fields of each act on one order, for one person."""

    here: Here
    order: WorkOrder
    matches: Sequence[Mapping[str, Any]]
    conditions: Sequence[Condition]
    entered: Entered = NOTHING_ENTERED

    def fields(self, verb: Verb) -> tuple[FormField, ...]:
        """The fields of `verb`, with what was entered in them."""
        version = FormField("version", kind="hidden", value=str(self.order.version))
        found = (version, *self._fields(verb))
        if self.entered.verb != verb.value:
            return found
        values, errors = self.entered.values, self.entered.errors
        return tuple(
            replace(one, value=values.get(one.name, one.value), error=errors.get(one.name, ""))
            if one.kind != "hidden"
            else one
            for one in found
        )

    def may_override(self) -> bool:
        """Whether the person may close although the condition holds."""
        return self.here.may(OVERRIDE, self.order.org)

    def _fields(self, verb: Verb) -> tuple[FormField, ...]:
        text = self.here.text
        reason = FormField("reason", text("ui.field.reason"), "textarea", required=True)
        note = FormField("text", text("ui.field.note"), "textarea")
        found: tuple[FormField, ...]
        match verb:
            case Verb.HOLD:
                found = (self._objects(), reason)
            case Verb.REQUEST_APPROVAL:
                found = self._ask_fields()
            case Verb.ESCALATE | Verb.RESUME | Verb.REOPEN:
                found = (reason,)
            case Verb.SNOOZE:
                found = (self._until(), reason)
            case Verb.RESOLVE:
                found = (note,)
            case Verb.REASSIGN:
                found = (self._person("person", "ui.field.person"), reason)
            case Verb.CLOSE:
                found = self._closing_fields()
            case _:
                found = ()
        return found

    def _objects(self) -> FormField:
        return FormField(
            "objects",
            self.here.text("ui.field.instructions"),
            value=", ".join(self._instructions()),
            hint=self.here.text("ui.field.instructions_hint"),
        )

    def _until(self) -> FormField:
        local = self.here.reader.format.local(self.here.now + _SNOOZE)
        until = f"{local:%Y-%m-%dT%H:%M}"
        return FormField(
            "until", self.here.text("ui.field.until"), "datetime-local", until, required=True
        )

    def _instructions(self) -> list[str]:
        """Objects on which the matches of this order decided."""
        found = [one["decide"]["object_id"] for one in self.matches if one.get("decide")]
        return list(dict.fromkeys(found))

    def _ask_fields(self) -> tuple[FormField, ...]:
        text = self.here.text
        kinds = tuple(Choice(one, text(f"approvals.kind.{one}")) for one in self._kinds())
        objects = (
            Choice("", text("ui.field.whole_order")),
            *(Choice(one, one) for one in self._instructions()),
        )
        return (
            FormField("kind", text("ui.field.ask_kind"), "select", required=True, choices=kinds),
            FormField("object", text("ui.column.object"), "select", choices=objects),
            FormField("amount", text("ui.field.amount"), hint=text("ui.field.amount_hint")),
            FormField("text", text("ui.field.why"), "textarea", required=True),
        )

    def _kinds(self) -> tuple[str, ...]:
        """What can be asked; only a condition that holds could be overridden."""
        return tuple(one for one in ASKS if one != OVERRIDE_KIND or self.order.clears)

    def _closing_fields(self) -> tuple[FormField, ...]:
        text, order = self.here.text, self.order
        grave = order.level >= Level.ORANGE
        due = self.here.reader.format.local(self.here.now).date() + timedelta(_CORRECTIVE_DAYS)
        fields = [
            FormField(
                "disposition",
                text("ui.field.disposition"),
                "select",
                required=True,
                choices=(
                    Choice("", text("ui.choose")),
                    *(Choice(one, text(f"disposition.{one}")) for one in sorted(DISPOSITIONS)),
                ),
            ),
            FormField(
                "root_cause",
                text("ui.field.root_cause"),
                "select",
                required=True,
                choices=(
                    Choice("", text("ui.choose")),
                    *(Choice(one, text(f"root_cause.{one}")) for one in ROOT_CAUSES),
                ),
            ),
            FormField("corrective", text("ui.field.corrective"), "textarea", required=grave),
            self._person("owner", "ui.field.corrective_owner", required=grave),
            FormField(
                "due", text("ui.field.corrective_due"), "date", due.isoformat(), required=grave
            ),
            FormField("text", text("ui.field.note"), "textarea"),
        ]
        unmet = unmet_of(self.conditions)
        if unmet is not None and self.may_override():
            hint = condition_text(self.here, unmet)
            fields.append(
                FormField(
                    "override", text("ui.field.override"), "textarea", required=True, hint=hint
                )
            )
        return tuple(fields)

    def _person(self, name: str, label: str, *, required: bool = True) -> FormField:
        """A choice of the people who see this order's unit."""
        directory, at = self.here.directory, self.here.now
        people = [
            one
            for one in directory.people
            if one.active and directory.sees(one.id, self.order.org, at).allowed
        ]
        choices = tuple(Choice(one.id, one.name) for one in people)
        # Nobody and nothing is chosen beforehand: what is signed is what somebody chose.
        empty = Choice("", self.here.text("ui.choose") if required else "—")
        return FormField(
            name, self.here.text(label), "select", required=required, choices=(empty, *choices)
        )
