"""豁免: what is permitted above a limit, by whom, until when; and what a new one would permit."""

from dataclasses import dataclass
from datetime import datetime

from service.web.views.parts import Act, Figure, FormField, Link


@dataclass(frozen=True, slots=True)
class StandingLine:
    """A condition that stands now; `count` is how often an exemption covered it.

    Attributes:
        why: why it would not be covered, in words; empty where it is.
    """

    what: str
    level: str
    value: Figure
    seen: datetime
    count: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class ExemptionLine:
    """One exemption.

    Attributes:
        state: a code of `workorders.exemptions.ExemptionState`.
        what: product, rule, month and account, in words.
        covered: how many matches raised nothing because of it.
        ended: who signed, refused or revoked it, and when; empty while it waits.
        request: its approval; None for who may not read it.
        renews: the number of the one that it carries on.
        acts: renew, revoke.
    """

    id: str
    state: str
    unit: str
    what: str
    cap: Figure
    starts_at: datetime
    ends_at: datetime
    asker: str
    reason: str
    clause: str
    covered: int
    ended: str = ""
    request: Link | None = None
    renews: str = ""
    standing: tuple[StandingLine, ...] = ()
    acts: tuple[Act, ...] = ()


@dataclass(frozen=True, slots=True)
class ExemptionGroup:
    """Exemptions of one standing; `code` is ``asked``, ``given`` or ``over``."""

    code: str
    lines: tuple[ExemptionLine, ...]


@dataclass(frozen=True, slots=True)
class ExemptionPreview:
    """What the exemption would permit.

    Attributes:
        sentence: what is asked for, in words.
        standing: what stands now and would be permitted; `beside` what would not.
        fault: why it cannot be asked for; then there is no `create`.
        create: asks for it; its hidden fields are what was looked at.
    """

    sentence: str
    standing: tuple[StandingLine, ...]
    beside: tuple[StandingLine, ...] = ()
    fault: str = ""
    create: Act | None = None


@dataclass(frozen=True, slots=True)
class ExemptionsPage:
    """The page.

    Attributes:
        fields: of the form, which is sent by GET: a look changes nothing.
        why_not: why the person may ask for none; then there is no form.
    """

    groups: tuple[ExemptionGroup, ...]
    fields: tuple[FormField, ...] = ()
    why_not: str = ""
    preview: ExemptionPreview | None = None
