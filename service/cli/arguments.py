"""The command line as it was typed: common options may stand anywhere."""

_FLAGS = ("--json", "--debug")
_VALUES = ("--data", "--lang")


def hoisted(args: list[str]) -> list[str]:
    """The arguments with common options in front; nothing behind ``--`` is touched."""
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(args)
    for arg in waiting:
        if arg == "--":
            rest += [arg, *waiting]
        elif arg in _FLAGS or arg.startswith(tuple(f"{name}=" for name in _VALUES)):
            front.append(arg)
        elif arg in _VALUES:
            front.append(arg)
            front += [value for value in [next(waiting, None)] if value is not None]
        else:
            rest.append(arg)
    return front + rest


def value_of(option: str, args: list[str]) -> str:
    """The value of a common option; empty when it is not given."""
    for at, arg in enumerate(args):
        if arg == "--":
            break
        if arg == option and at + 1 < len(args):
            return args[at + 1]
        if arg.startswith(f"{option}="):
            return arg.partition("=")[2]
    return ""
