"""Notifications: routes, groups, what keeps quiet, what was told. A pure fold over notices, silences and time."""

from streams.respond.notifying.notifier import News, Notifier
from streams.respond.notifying.state import (
    Group,
    Hush,
    Member,
    Notice,
    Notification,
    Quieting,
    Storm,
    Suppression,
)

__all__ = ["Group", "Hush", "Member", "News", "Notice", "Notification", "Notifier", "Quieting", "Storm", "Suppression"]
