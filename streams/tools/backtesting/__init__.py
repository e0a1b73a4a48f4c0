"""`tocsin backtest` beyond one run over files: ranges of the log, several jobs, differences, noise, pages."""
