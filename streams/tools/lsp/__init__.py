"""lsp: a language server for rule files. What stands where is found by pure functions; `server` is the thin shell.

`folder` knows what the files declare, `cursor` what is written at a place, `standing` what belongs there, `scope` what
an expression may name; `completing`, `hovering` and `defining` answer, `telling` turns problems into diagnostics.
"""
