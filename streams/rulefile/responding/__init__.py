"""Documents of the response: who is told, when, by which way, and what is kept quiet; read into a `Policy`."""
