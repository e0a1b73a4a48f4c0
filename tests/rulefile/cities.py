"""The right folder that the tests here read, change and break."""

from __future__ import annotations

from pathlib import Path

CITY = Path(__file__).resolve().parent / "city"
