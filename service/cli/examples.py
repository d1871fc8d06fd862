"""Examples of each command, as its help shows them under its options."""

import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

_UNIT: Final = "示例集团/铜贸易部"
_SWAP: Final = (
    "oncall swap --first chen --first-from 2024-06-10 --first-to 2024-06-11 --second lin"
    f" --second-from 2024-06-12 --second-to 2024-06-13 --org {_UNIT} --as chen"
)

#: The command's path, and what is typed after `hedgewarden`; people and units are those of `init`.
EXAMPLES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "init": ("init", "--data /srv/hedgewarden init"),
        "doctor": ("doctor", "--json doctor"),
        "directory import": (
            "directory import directory.yaml --dry-run",
            "directory import directory.yaml",
        ),
        "directory export": ("directory export",),
        "serve": ("serve", "serve --role web"),
        "demo": ("demo", "demo --once --seed 7"),
        "assess": ("assess", f"assess --org {_UNIT} --product cu"),
        "exposure": ("exposure", f"exposure --org {_UNIT} --as-of 2024-05-14T15:00"),
        "import": (
            "import limits limits.xlsx --template",
            "import limits limits.xlsx --dry-run",
            "import positions positions.csv --full --as-of 2024-05-14",
        ),
        "quarantine list": ("quarantine list", "quarantine list --all"),
        "quarantine replay": ("quarantine replay 17 --set quantity=500",),
        "quarantine dismiss": ('quarantine dismiss 17 --reason "sent twice"',),
        "events import": (
            "events import events.ndjson",
            "events import erp.csv --mapping erp.yaml --watch",
        ),
        "events search": (
            "events search --type order.create --since 2024-05-14 --limit 20",
            "events search 19532 --oldest-first",
        ),
        "events timeline": ("events timeline RK88001",),
        "alerts list": ("alerts list --state new", "alerts list --level red --product cu"),
        "alerts confirm": ("alerts confirm AL-20240514-001 --as chen",),
        "alerts dismiss": ("alerts dismiss AL-20240514-001 --reason false --as chen",),
        "oncall who": ("oncall who", f"oncall who --org {_UNIT} --at 2024-05-14T23:00"),
        "oncall calendar": ("oncall calendar --days 14",),
        "oncall override": (
            (
                "oncall override --person lin --from 2024-06-10 --to 2024-06-11"
                f" --org {_UNIT} --reason ill --as chen"
            ),
        ),
        "oncall absence": (
            "oncall absence --from 2024-06-10 --to 2024-06-14 --deputy lin --as chen",
        ),
        "oncall swap": (_SWAP,),
        "oncall agree": ("oncall agree SW-20240603-001 --as lin",),
        "oncall test": (
            "oncall test --person lin --as wang",
            "oncall test --person lin --channel voice --as wang",
        ),
        "oncall tests": ("oncall tests", f"oncall tests --org {_UNIT}"),
        "oncall withdraw": ("oncall withdraw OV-20240603-001 --as chen",),
        "orders list": ("orders list --state open", "orders list --level red --level orange"),
        "orders show": ("orders show WO-20240514-001", "orders show WO-20240514-001 --as chen"),
        "orders ack": ("orders ack WO-20240514-001 --as chen",),
        "orders attach": ("orders attach WO-20240514-001 invoice.pdf --as chen",),
        "orders files": ("orders files WO-20240514-001",),
        "orders note": ('orders note WO-20240514-001 "called the warehouse" --as chen',),
        "orders tag": ('orders tag WO-20240514-001 "night shift" warehouse --as chen',),
        "orders untag": ("orders untag WO-20240514-001 warehouse --as chen",),
        "orders merge": (
            (
                "orders merge WO-20240514-002 --into WO-20240514-001"
                ' --text "the same late receipts" --as chen'
            ),
        ),
        "orders snooze": (
            (
                'orders snooze WO-20240514-001 --until "2024-05-14 12:00"'
                ' --reason "the warehouse answers at noon" --as chen'
            ),
        ),
        "orders wake": ("orders wake WO-20240514-001 --as chen",),
        "orders resolve": ('orders resolve WO-20240514-001 --text "receipts posted" --as chen',),
        "orders close": (
            (
                "orders close WO-20240514-001 --disposition fixed --root-cause RECEIPT_LATE"
                ' --corrective "post within the hour" --owner chen --due 2024-06-01 --as wang'
            ),
        ),
        "orders case": ("orders case WO-20240514-001 --out case.yaml",),
        "metrics": (
            "metrics --from 2024-05-01 --to 2024-05-31",
            f"metrics --org {_UNIT} --rows time_to_acknowledge",
        ),
        "delegation list": ("delegation list --live",),
        "delegation add": (
            (
                f"delegation add --to lin --org {_UNIT} --until 2024-06-14"
                " --reason travelling --as chen"
            ),
        ),
        "delegation confirm": ("delegation confirm DG-20240603-001 --as lin",),
        "delegation end": ("delegation end DG-20240603-001 --as chen",),
        "approvals list": ("approvals list", "approvals list --waiting --as wang"),
        "approvals show": ("approvals show AP-e1bd7f967973a63e --as wang",),
        "approvals approve": ("approvals approve AP-e1bd7f967973a63e --seen 1 --as wang",),
        "approvals reject": (
            "approvals reject AP-e1bd7f967973a63e --seen 1 --reason PRICE --as wang",
        ),
        "approvals return": (
            (
                'approvals return AP-e1bd7f967973a63e --seen 1 --reason PRICE --text "which quote?"'
                " --as wang"
            ),
        ),
        "approvals reassign": (
            "approvals reassign AP-e1bd7f967973a63e --seen 1 --to lin --as wang",
        ),
        "approvals invite": ("approvals invite AP-e1bd7f967973a63e --seen 1 --to lin --as wang",),
        "approvals nudge": ("approvals nudge AP-e1bd7f967973a63e --seen 1 --as chen",),
        "approvals withdraw": ("approvals withdraw AP-e1bd7f967973a63e --seen 1 --as chen",),
        "policy show": ("policy show",),
        "policy import": ("policy import policy.yaml --dry-run", "policy import policy.yaml"),
        "policy export": ("policy export",),
        "handover list": ("handover list",),
        "handover now": (f"handover now --org {_UNIT}",),
        "handover show": ("handover show HO-20240603-001",),
        "handover give": (f'handover give --org {_UNIT} --note "quiet day" --as chen',),
        "handover take": ("handover take HO-20240603-001 --as lin",),
        "handover withdraw": ("handover withdraw HO-20240603-001 --as chen",),
        "review list": (
            "review list --from 2024-05-01 --to 2024-06-01 --cause PROCESS_GAP",
            "review list --action overdue",
        ),
        "review open": ("review open --owner chen",),
        "review finish": (
            'review finish WO-20240514-001 --text "limit checked before buying" --as chen',
        ),
        "review postpone": (
            "review postpone WO-20240514-001 --due 2024-07-01 --reason vendor --as wang",
        ),
        "drill list": ("drill list --running",),
        "drill show": ("drill show WO-20240603-001",),
        "drill start": (f"drill start --org {_UNIT} --level red --minutes 30 --as wang",),
        "drill end": ("drill end WO-20240603-001 --as wang",),
        "rules check": ("rules check", "rules check /srv/rulebook"),
        "rules test": ("rules test",),
        "silence list": ("silence list --live",),
        "silence preview": (f"silence preview --org {_UNIT} --product cu --days 30",),
        "silence add": (
            (
                f"silence add --org {_UNIT} --product cu --until 2024-06-04T18:00"
                " --reason stocktaking --as chen"
            ),
        ),
        "silence confirm": ("silence confirm SL-20240603-001 --as wang",),
        "silence end": ("silence end SL-20240603-001 --as chen",),
        "exemption list": ("exemption list --state granted",),
        "exemption show": ("exemption show EX-20240603-001",),
        "exemption ask": (
            (
                f"exemption ask --org {_UNIT} --product cu --rule EXPOSURE_TIERS --cap 650"
                ' --until 2024-06-14 --clause "chapter 4" --reason "vessel late" --as lin'
            ),
        ),
        "exemption renew": (
            "exemption renew EX-20240603-001 --until 2024-06-28 --reason vessel --as lin",
        ),
        "exemption revoke": ("exemption revoke EX-20240603-001 --reason arrived --as chen",),
        "trail verify": ("trail verify", "trail verify --anchors /mnt/anchors"),
        "trail replay": ("trail replay 42", "trail replay --limit 100"),
        "user create": (
            f"user create lin --name 林浩 --role risk_officer --unit {_UNIT}",
            "user create admin --role administrator --unit 示例集团 --password-stdin",
        ),
        "user password": ("user password chen",),
        "user token": ("user token chen --days 30",),
        "user revoke": ("user revoke chen",),
        "user list": ("user list",),
    }
)


def write_examples(formatter: Any, path: str, heading: str) -> None:
    """The examples of a command, each on a line of its own; a group has none.

    Args:
        formatter: of the help page.
        path: of the command, without the program's name.
        heading: in the reader's words.
    """
    lines = EXAMPLES.get(path, ())
    if not lines:
        return
    formatter.write_paragraph()
    formatter.write(f"{heading}\n")
    for line in lines:
        formatter.write(f"  hedgewarden {line}\n")


def typed(line: str) -> list[str]:
    """An example as the shell hands it on."""
    return shlex.split(line)
