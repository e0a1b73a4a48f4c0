"""The registers and lists that a test has in place of the real ones.

A rule's expressions hold the lists and registers that they were compiled with. So the rule under test,
and no other, is made again over those of the test; what the test does not name stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from streams.problems import Problems
from streams.rules import Bundle, Register, Rule
from streams.tools.timeline import Misread, place_of, typed


class Rebuild(Protocol):
    """Makes a rule, and those it stands on, again; raises Problems where it does not fit the stand-ins."""

    def __call__(self, rule: str, registers: Mapping[str, Register], lists: Mapping[str, tuple[Any, ...]]) -> Bundle:
        """The bundle with these registers and lists, of whose rules this one is made again."""


def overridden(bundle: Bundle, rule: Rule, test: Mapping[str, Any], rebuild: Rebuild | None) -> tuple[Bundle, Rule]:
    """The bundle and the rule as a test has them. Raises Misread."""
    registers, lists = stand_ins(bundle, test)
    if not registers and not lists:
        return bundle, rule
    if rule.vital is not None:
        raise Misread("a test of an indicator takes the registers and lists as they are")
    if rebuild is None:
        raise Misread("its registers and lists need the rule files, which are not at hand here")
    try:
        made = rebuild(rule.id, registers, lists)
    except Problems as found:
        texts = "; ".join(problem.message for problem in found.problems)
        raise Misread(f"the rule does not fit the test's registers and lists: {texts}") from found
    return made, msgspec.structs.replace(made.rules[rule.id], tests=rule.tests)


def stand_ins(bundle: Bundle, test: Mapping[str, Any]) -> tuple[dict[str, Register], dict[str, tuple[Any, ...]]]:
    """The registers and lists that a test brings along. Raises Misread."""
    return _registers(bundle, test), _lists(bundle, test)


def _registers(bundle: Bundle, test: Mapping[str, Any]) -> dict[str, Register]:
    given = _named(test, "registers", bundle.registers, "{sensors: [{device: d1}]}")
    return {name: _register(bundle.registers[name], rows) for name, rows in given.items()}


def _lists(bundle: Bundle, test: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    given = _named(test, "lists", bundle.lists, "{covers: [a, b]}")
    for name, values in given.items():
        if not _is_list(values) or not all(isinstance(one, str | int | float | bool) for one in values):
            raise Misread(f"the list `{name}` is a list of values: [a, b]", "lists", name)
    return {name: tuple(values) for name, values in given.items()}


def _named(test: Mapping[str, Any], word: str, known: Mapping[str, Any], example: str) -> Mapping[str, Any]:
    given = test.get(word, {})
    if not isinstance(given, Mapping):
        raise Misread(f"`{word}` is a mapping such as {example}", word)
    for name in given:
        if name not in known:
            raise Misread(f"there is no {word[:-1]} `{name}`; there are {', '.join(known) or 'none'}", word, name)
    return given


def _register(register: Register, rows: Any) -> Register:
    """The register with these rows."""
    path = ("registers", register.id)
    if not _is_list(rows):
        raise Misread(f"the rows of `{register.id}` are a list: [{{{register.key}: ...}}]", *path)
    found: dict[Any, Mapping[str, Any]] = {}
    for index, row in enumerate(rows):
        try:
            one = _row(register, row)
        except ValueError as error:
            raise Misread(f"row {index + 1} of `{register.id}`: {error}", *path, index) from error
        if one[register.key] in found:
            raise Misread(f"row {index + 1} of `{register.id}`: its key stands above already", *path, index)
        found[one[register.key]] = one
    return msgspec.structs.replace(register, rows=found)


def _row(register: Register, row: Any) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise ValueError(f"write {{{register.key}: ..., and its other columns}}")
    unknown = [name for name in row if name not in register.fields]
    if unknown:
        raise ValueError(f"there is no column `{unknown[0]}`; there are {', '.join(register.fields)}")
    if row.get(register.key) in (None, ""):
        raise ValueError(f"it does not say `{register.key}`")
    kinds = {name: register.fields[name] for name in row}
    return {name: place_of(value) if kinds[name].type == "place" else typed(kinds[name], value)
            for name, value in row.items() if value is not None and value != ""}


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
