"""ingest: the fold over one partition of a city's topic: records in, rows for our own logs out; pure."""
