"""Tocsin: rules over a city's event streams, folded over logs."""
