"""`tocsin check`: what is said of the rule files, as text, as JSON lines or as SARIF, of all or of what has changed."""
