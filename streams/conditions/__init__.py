"""Conditions: CEL texts, checked against declared types and compiled to Python functions."""

from streams.conditions.check import called_macros, macro_problems, macros_called, string_literals
from streams.conditions.clauses import Clause, Logic, clauses, logic
from streams.conditions.expression import Expression, both, compile_expression, together
from streams.conditions.macros import Definition
from streams.conditions.mistakes import ExpressionProblem, ExpressionProblems, is_function, signatures
from streams.conditions.scope import (
    Access,
    EventTypeLike,
    Limits,
    RegisterLike,
    Scope,
    Variable,
    event_scope,
    key_scope,
    notice_scope,
    record_scope,
)
from streams.conditions.values import EvalError, Failure

__all__ = [
    "Access", "Clause", "Definition", "EvalError", "EventTypeLike", "Expression", "ExpressionProblem",
    "ExpressionProblems", "Failure", "Limits", "Logic", "RegisterLike", "Scope", "Variable",
    "both", "called_macros", "clauses", "compile_expression", "event_scope", "is_function", "key_scope", "logic",
    "macro_problems", "macros_called", "notice_scope", "record_scope", "signatures", "string_literals", "together",
]
