"""Random rules and facts, drawn from the edges: ±2^63, scale limits, halves, nulls."""

from typing import Any

from hypothesis import strategies as st

from rules.schema import FactKind, Field, Schema
from rules.values import (
    BOOLEAN,
    DURATION,
    INT64_MAX,
    INT64_MIN,
    INTEGER,
    STRING,
    TIMESTAMP,
    Base,
    ValueType,
)

TYPES: dict[str, ValueType] = {
    "i": INTEGER,
    "j": INTEGER,
    "d": ValueType(Base.DECIMAL, 4),
    "e": ValueType(Base.DECIMAL, 9),
    "q": ValueType(Base.QUANTITY, 6, "*"),
    "r": ValueType(Base.QUANTITY, 6, "*"),
    "m": ValueType(Base.MONEY, 2, "CNY"),
    "s": STRING,
    "k": ValueType(Base.ENUM, values=("red", "green", "blue")),
    "b": BOOLEAN,
    "c": BOOLEAN,
    "t": TIMESTAMP,
    "u": TIMESTAMP,
    "w": DURATION,
}
KIND = FactKind("probe", {name: Field(name, of, name, name) for name, of in TYPES.items()})
SCHEMA = Schema({"probe": KIND})

_EDGES = [0, 1, -1, 2, 3, 5, -5, 50, 12345, 10**9, 2**31, 2**53 + 1]
_EDGES += [INT64_MAX, INT64_MAX - 1, INT64_MIN, INT64_MIN + 1, 5 * 10**8, 15 * 10**8]
_WORDS = ["", "a", "ab", "红", "red", "green", 'x"y', "\\n"]


def _value(of: ValueType) -> st.SearchStrategy[Any]:
    if of.base is Base.BOOLEAN:
        return st.booleans()
    if of.base is Base.ENUM:
        return st.sampled_from(of.values)
    if of.base is Base.STRING:
        return st.sampled_from(_WORDS)
    return st.sampled_from(_EDGES) | st.integers(-100, 100)


#: A canonical fact; every field may be missing.
FACTS = st.fixed_dictionaries({}, optional={name: _value(of) for name, of in TYPES.items()})

_PLAIN = st.sampled_from(["i", "j", "d", "e", "0", "1", "-1", "0.5", "2.5", "3", "0.0001"])
_PLAIN |= st.sampled_from(["9223372036854775807", "-9223372036854775808", "1.000000001"])
_QUANTITY = st.sampled_from(["q", "r", "0"])
_MONEY = st.sampled_from(["m", "0", "5 CNY", "0.01 CNY", "-1.5 CNY"])
_DURATIONS = st.sampled_from(["w", "60s", "2h", "500ms", "(t - u)", "(w + 15m)", "abs(t - u)"])
_MODES = st.sampled_from(["half_even", "half_up", "floor", "ceiling", "truncate"])
_COMPARE = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-"), inner),
        st.builds("abs({})".format, inner),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), inner, inner),
    )


def _plain_more(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    scales = st.integers(0, 9)
    return st.one_of(
        _combined(inner),
        st.builds("({} * {})".format, st.sampled_from(["i", "j", "d", "2", "0.5"]), inner),
        st.builds("div({}, {}, {}, {})".format, inner, inner, scales, _MODES),
        st.builds("round({}, {})".format, inner, scales),
    )


_NUMBERS = st.recursive(_PLAIN, _plain_more, max_leaves=4) | st.builds(
    "div({}, {}, {})".format, st.sampled_from(["q", "r"]), st.sampled_from(["q", "r"]), st.just(4)
)
_QUANTITIES = st.recursive(_QUANTITY, _combined, max_leaves=3)
_AMOUNTS = st.recursive(_MONEY, _combined, max_leaves=3)

_LEAVES = st.one_of(
    st.builds("{} {} {}".format, _NUMBERS, _COMPARE, _NUMBERS),
    st.builds("{} {} {}".format, _QUANTITIES, _COMPARE, _QUANTITIES),
    st.builds("{} {} {}".format, _AMOUNTS, _COMPARE, _AMOUNTS),
    st.builds("{} {} {}".format, _DURATIONS, _COMPARE, _DURATIONS),
    st.builds("s {} {}".format, _COMPARE, st.sampled_from(['"a"', '"红"', "k", r'"x\"y"'])),
    st.builds('k {} "{}"'.format, st.sampled_from(["==", "!="]), st.sampled_from(["red", "blue"])),
    st.builds(
        "s.{}({})".format, st.sampled_from(["startsWith", "endsWith", "contains"]), st.just('"a"')
    ),
    st.builds("k {} [{}]".format, st.sampled_from(["in", "not in"]), st.just('"red", "blue"')),
    st.builds("i {} [{}]".format, st.sampled_from(["in", "not in"]), st.just("1, 2, 3.0, 0.5")),
    st.builds("has({})".format, st.sampled_from(sorted(TYPES))),
    st.sampled_from(["b", "c", "true", "false", "b == c", "(i > 3) == b"]),
)


def _connected(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("not ({})".format, inner),
        st.builds("!({})".format, inner),
        st.builds("({} && {} or {})".format, inner, inner, inner),
    )


#: A condition over the fields of `KIND`. A few are refused by the checker (a unit, a scale).
CONDITIONS = st.recursive(_LEAVES, _connected, max_leaves=6)
