"""The words of the operators' desk: what `tocsin alert`, `case`, `silence`, `route`, `shift` and `drill` take."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import TypeAlias

from streams import desk

Words: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Options: TypeAlias = Callable[[argparse.ArgumentParser], None]
ALERT_VERBS: Mapping[str, str] = {
    "ack": "say that an alert is seen", "unack": "take that back", "shelve": "put an alert aside for a time",
    "unshelve": "take it back before", "out-of-service": "put it aside until it is put back",
    "back-in-service": "put it back",
}
"""What can be done about alerts."""
CASE_VERBS: Mapping[str, str] = {
    "register": "make it official", "dispatch": "send a unit, or another one", "accept": "the unit takes it on",
    "reject": "the unit sends it back", "insist": "the dispatcher does not let it be sent back",
    "depart": "the unit is on its way", "arrive": "the unit is on the scene", "dispose": "the unit has done it",
    "verify": "somebody else has seen that it is done", "rework": "it is not done: a new attempt",
    "close": "it is over", "cancel": "a false alarm, or nothing to do", "reopen": "it was not over: a new attempt",
    "park": "its clocks stand still", "resume": "its clocks go on", "extend": "what is left may come later",
    "supervise": "somebody higher looks at it", "merge": "it is one with another case",
    "split": "make a part of it a case of its own", "note": "write something down",
}
"""What can be done about a case that is there."""


def add(words: Words, common: Options) -> None:
    """The commands of the desk; `common` adds the options that all commands with rules and a log have."""
    _alert(words, common)
    _case(words, common)
    _silence(words, common)
    _route(words, common)
    _shift(words, common)
    _drill(words, common)


def _alert(words: Words, common: Options) -> None:
    verbs = _verbs(words, "alert", desk.alert, "the list of alerts, the story of one, and what operators do about them")
    ls = _verb(verbs, "ls", "which alerts fire, or wait for somebody to see them", common)
    ls.add_argument("--district", default="", metavar="D", help="only of this district")
    ls.add_argument("--severity", default="", metavar="S", help="only of this severity")
    ls.add_argument("--rule", default="", metavar="RULE", help="only of this rule")
    ls.add_argument("--state", default="", metavar="STATE",
                    help="only in this state of the operators': new acked returned shelved out_of_service normal")
    ls.add_argument("--firing", action="store_true", help="only what still fires")
    show = _verb(verbs, "show", "the whole story of an alert and of its cases", common)
    show.add_argument("id", nargs=1, help="its id, or the beginning of it")
    for name, text in ALERT_VERBS.items():
        one = _action(verbs, name, text, common)
        one.add_argument("id", nargs="+", help="ids of alerts, or their beginnings")
        if name == "shelve":
            one.add_argument("--for", dest="span", required=True, metavar="2h", help="for how long")


def _case(words: Words, common: Options) -> None:
    verbs = _verbs(words, "case", desk.case, "the list of cases, the story of one, and everything that moves it")
    ls = _verb(verbs, "ls", "which cases are open", common)
    ls.add_argument("--district", default="", metavar="D", help="only of this district")
    ls.add_argument("--unit", default="", metavar="U", help="only of this unit")
    ls.add_argument("--state", default="", metavar="STATE", help="only in this state; also of cases that are over")
    ls.add_argument("--late", action="store_true", help="only those that have missed what was promised")
    _verb(verbs, "show", "the whole story of a case", common).add_argument("id", help="its id, or the beginning of it")
    opened = _action(verbs, "open", "make a case of what somebody has reported", common)
    opened.add_argument("--title", required=True, help="what happened")
    opened.add_argument("--district", default="", metavar="D", help="where")
    opened.add_argument("--label", action="append", default=[], metavar="NAME=VALUE",
                        help="what else is known: category, severity ...; may be given more than once")
    opened.add_argument("--discovered-by", default="hotline", metavar="WHO",
                        help="report sensor camera hotline patrol citizen (default: hotline)")
    for name, text in CASE_VERBS.items():
        one = _action(verbs, name, text, common)
        one.add_argument("id", help="its id, or the beginning of it")
        if name in _NEEDS:
            option, metavar, meaning, needed = _NEEDS[name]
            one.add_argument(option, required=needed, default="", metavar=metavar, help=meaning)


_NEEDS = {
    "dispatch": ("--unit", "U", "who is sent", True), "dispose": ("--code", "C", "how it was disposed of", True),
    "extend": ("--by", "2h", "by how much", True), "merge": ("--into", "CASE", "the other case", True),
    "split": ("--title", "T", "what the part is about", False),
}


def _silence(words: Words, common: Options) -> None:
    verbs = _verbs(words, "silence", desk.silence, "what nobody need hear of for a time")
    added = _action(verbs, "add", "make a silence", common)
    added.add_argument("--until", default="", metavar="TIME", help="when it ends")
    added.add_argument("--for", dest="span", default="", metavar="2h", help="how long it holds, in place of that")
    preview = _verb(verbs, "preview", "what a silence would mute now", common)
    preview.set_defaults(span="", until="")
    for parser in (added, preview):
        parser.add_argument("--match", action="append", nargs="+", required=True, metavar="MATCHER",
                            help="which alerts: severity=minor 'rule=~\"lift-.*\"', all of them; given again: or these")
        parser.add_argument("--district", default="", metavar="D", help="only alerts of this district")
        parser.add_argument("--with-alert", default="", metavar="ALERT", help="it ends when this alert does")
        parser.add_argument("--ticket", default="", metavar="T", help="where it is written down")
    ls = _verb(verbs, "ls", "which silences there are, by command and in the rule files", common)
    ls.add_argument("--state", default="", metavar="STATE",
                    help="only pending, active, resting or expired ones (default: all but expired)")
    _action(verbs, "expire", "end a silence", common).add_argument("id", help="its id, or the beginning of it")


def _route(words: Words, common: Options) -> None:
    verbs = _verbs(words, "route", desk.route, "who would be told of an alert")
    test = _verb(verbs, "test", "which routes, inhibitions, silences and hours decide about an alert", common)
    test.add_argument("label", nargs="*", metavar="LABEL=VALUE", help="the labels of an alert: rule, severity ...")
    test.add_argument("--alert", default="", metavar="ALERT", help="in place of labels, an alert that fires")
    test.add_argument("--at", default="", metavar="TIME", help="at which moment (default: now)")


def _shift(words: Words, common: Options) -> None:
    verbs = _verbs(words, "shift", desk.shift, "what a shift hands over to the next")
    report = _verb(verbs, "report", "what happened in a shift, and what is open", common)
    report.add_argument("--from", dest="since", default="", metavar="TIME",
                        help="from when on (default: 8 h before --to)")
    report.add_argument("--to", dest="until", default="", metavar="TIME", help="until when (default: now)")
    report.add_argument("--district", default="", metavar="D", help="only of this district")


def _drill(words: Words, common: Options) -> None:
    parser = _action(words, "drill", "practise: an alert that is marked as an exercise; `drill end` ends it", common)
    parser.set_defaults(call=desk.drill)
    parser.add_argument("rule", help="the rule whose alert is played, or: end")
    parser.add_argument("id", nargs="?", default="", help="of `end`: which one (default: all)")
    parser.add_argument("--key", action="append", default=[], metavar="NAME=VALUE",
                        help="a part of the rule's key, district, or what its texts read, such as place.address")
    parser.add_argument("--severity", default="", metavar="S",
                        help="how grave it is played (default: as the rule says)")


def _verbs(words: Words, name: str, call: Callable[[argparse.Namespace], int], text: str) -> Words:
    parser = words.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.set_defaults(call=call, parser=parser)
    return parser.add_subparsers(dest="verb", required=True, metavar="VERB")


def _verb(verbs: Words, name: str, text: str, common: Options) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.set_defaults(parser=parser)
    common(parser)
    return parser


def _action(verbs: Words, name: str, text: str, common: Options) -> argparse.ArgumentParser:
    """A word that does something, in somebody's name."""
    parser = _verb(verbs, name, text, common)
    parser.add_argument("--reason", default="", metavar="TEXT", help="why")
    parser.add_argument("--as", dest="actor", default="", metavar="NAME", help="who does it (default: you)")
    parser.add_argument("--role", default="", help="as what (default: $TOCSIN_ROLE, else dispatcher)")
    parser.add_argument("--expect", type=int, default=None, metavar="VERSION",
                        help="only if it is still at the version that was seen")
    return parser
