"""The Faust app as Tocsin uses it: one place for the settings that were tried (ARCHITECTURE.md says why)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import faust
from faust.exceptions import ImproperlyConfigured
from faust.tables.manager import TableManager
from faust.types.auth import CredentialsT
from faust.types.tables import CollectionT
from yarl import URL

from streams.logs import MAX_ENTRY_BYTES, embedded_path
from streams.service import cluster, embedded

HOMES = (cluster.Transport, embedded.Transport)  # importing them has made both known to Faust


class NoTables(TableManager):
    """In place of Faust's tables, which lose state in ordinary rebalances. Saves the second that they wait."""

    async def on_start(self) -> None:
        """As Faust's, without the wait for tables to come."""
        await self._update_channels()
        await self.recovery.start()

    def add(self, table: CollectionT) -> CollectionT:
        """Refuse it."""
        raise ImproperlyConfigured(f"table {table.name!r}: the state is kept by the folds, not in Faust's tables")


class App(faust.App):
    """A Faust app that leaves no folders behind: it has no tables to keep in them."""

    def _create_directories(self) -> None:
        return


SETTINGS: Mapping[str, Any] = {
    "autodiscover": False,
    "TableManager": NoTables,
    "web_enabled": False,  # it has no login and serves what it knows
    "topic_disable_leader": True,
    "topic_allow_declare": False,  # topics are made by the admin step, with the settings they need
    "worker_redirect_stdouts": False,
    "key_serializer": "raw",
    "value_serializer": "raw",
    "broker_session_timeout": 10.0,  # how long the partitions of a dead worker stand still
    "broker_heartbeat_interval": 3.0,
    "broker_commit_interval": 1.0,
    "broker_commit_every": 1_000_000_000,  # a commit by count would stop the fetching while it waits
    "broker_max_poll_records": 500,
    "stream_buffer_maxsize": 8192,
    "stream_wait_empty": True,
    "consumer_auto_offset_reset": "earliest",
    "consumer_max_fetch_size": 4 * 1024 * 1024,
    "producer_acks": -1,
    "producer_linger": 0.005,
    "producer_max_batch_size": 262_144,
    "producer_max_request_size": MAX_ENTRY_BYTES + 32_768,
    "producer_compression_type": "lz4",
}


def faust_app(id: str, broker: str, security: Mapping[str, Any] | None = None, **settings: Any) -> faust.App:
    """An app named `id` (also its consumer group) over the log at this address, for both homes alike.

    Keys and values are raw bytes. `security`: the TLS and SASL settings as `open_log` takes them.
    `settings` are Faust's and go before ours. Start it inside a running loop. Raises ValueError, in words,
    for an address of no known home.
    """
    chosen = {
        **SETTINGS,
        **settings,
        "broker": brokers_of(broker),
        "broker_credentials": credentials(security or {}),
    }
    return App(id, **chosen)


def brokers_of(address: str) -> list[URL]:
    """Faust's list of brokers for the address of a log."""
    scheme, _, hosts = address.partition("://")
    if scheme == "kafka" and hosts:
        return [URL(f"kafka://{host}") for host in hosts.split(",")]
    return [embedded.url_of(embedded_path(address))]


def credentials(security: Mapping[str, Any]) -> CredentialsT | None:
    """Faust's credentials for the settings security_protocol, ssl_context, sasl_*. Raises ValueError."""
    protocol = security.get("security_protocol", "PLAINTEXT")
    context = security.get("ssl_context")
    if protocol == "PLAINTEXT":
        return None
    if protocol == "SSL":
        return faust.SSLCredentials(context)
    if protocol in ("SASL_PLAINTEXT", "SASL_SSL"):
        return faust.SASLCredentials(
            username=security.get("sasl_plain_username"),
            password=security.get("sasl_plain_password"),
            mechanism=security.get("sasl_mechanism", "PLAIN"),
            ssl_context=context if protocol == "SASL_SSL" else None,
        )
    raise ValueError(f"security_protocol is PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL, not {protocol!r}")
