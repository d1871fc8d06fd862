"""What a new data folder starts with: the settings file and an example of people and organisations.

Both are commented in both languages; every line of the settings file is commented out, so that it
changes nothing until somebody edits it.
"""

import json

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from service.i18n import load_words
from service.settings import Settings

_DIRECTORY = """\
# 组织、人员与权限。修改后用 hedgewarden directory import 导入。
# Organisations, people and what they may do; bring it in with: hedgewarden directory import
organisations:
  - path: 示例集团
    routing: {"*": [wang]}        # 工单派给谁 / to whom work orders go
  - path: 示例集团/铜贸易部
    settings: {product: cu}
people:
  # 角色 / roles: trader, risk_officer, settlement, compliance_editor, manager, auditor,
  # operations, administrator, temporary
  - {id: wang, name: 王强, roles: [manager], unit: 示例集团}
  - {id: chen, name: 陈芳, roles: [risk_officer], unit: 示例集团}
  - {id: zhao, name: 赵一, roles: [trader], unit: 示例集团/铜贸易部}
last_resort: wang
"""


def directory_example() -> str:
    """A directory file to start from."""
    return _DIRECTORY


def commented_settings(settings: type[Settings]) -> str:
    """The settings file: each setting with its default, explained in both languages."""
    chinese, english = load_words("zh"), load_words("en")
    lines = [f"# {chinese.text('settings.title')}", f"# {english.text('settings.title')}", ""]
    for name, field in settings.model_fields.items():
        if name == "data":
            continue  # names the folder in which this very file stands
        key = f"settings.{name}"
        lines += [f"# {words.text(key)}" for words in (chinese, english)]
        default = field.get_default(call_default_factory=True)
        lines += [f"#{name} = {_toml(default)}", ""]
    return "\n".join(lines)


def _toml(value: object) -> str:
    if isinstance(value, SecretStr):
        return '""'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    if value is None or value is PydanticUndefined:
        return '""'
    return f'"{value}"'
