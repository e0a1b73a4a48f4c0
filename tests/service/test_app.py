"""The settings of the Faust app: addresses, credentials, what is refused."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import faust
import pytest
from faust.exceptions import ImproperlyConfigured

from streams.service.app import brokers_of, credentials, faust_app


def test_the_address_of_a_cluster_becomes_one_url_a_broker() -> None:
    assert [str(url) for url in brokers_of("kafka://a:1,b:2")] == ["kafka://a:1", "kafka://b:2"]


@pytest.mark.parametrize("path", ["/var/lib/tocsin/log.db", "/a b/100%/ü;,x#?.db"])
def test_the_address_of_a_file_keeps_its_path(path: str) -> None:
    (url,) = brokers_of(f"embedded://{path}")
    assert (url.scheme, url.path) == ("embedded", path)


@pytest.mark.parametrize("address", ["", "kafka://", "log.db", "sqlite:///x"])
def test_an_address_of_no_known_home_is_told(address: str) -> None:
    with pytest.raises(ValueError, match="embedded"):
        faust_app("a", address)


def test_security_becomes_credentials() -> None:
    context = ssl.create_default_context()
    assert credentials({}) is None
    tls = credentials({"security_protocol": "SSL", "ssl_context": context})
    assert isinstance(tls, faust.SSLCredentials)
    assert tls.context is context
    both = credentials(
        {
            "security_protocol": "SASL_SSL",
            "ssl_context": context,
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": "u",
            "sasl_plain_password": "p",
        }
    )
    assert isinstance(both, faust.SASLCredentials)
    assert (both.username, both.password, both.ssl_context, both.mechanism.value) == (
        "u",
        "p",
        context,
        "SCRAM-SHA-512",
    )
    with pytest.raises(ValueError, match="security_protocol"):
        credentials({"security_protocol": "TLS"})


def test_settings_can_be_overridden() -> None:
    app = faust_app("a", "kafka://a:1", broker_commit_interval=0.5)
    assert app.conf.broker_commit_interval == 0.5
    assert app.conf.broker_session_timeout == 10.0
    assert app.conf.id == "a"


def test_tables_are_refused_and_no_folder_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def start_and_stop() -> None:
        app = faust_app("a", f"embedded://{tmp_path}/log.db")
        with pytest.raises(ImproperlyConfigured, match="kept by the folds"):
            app.Table("t")
        await app.start()
        await app.stop()

    asyncio.run(start_and_stop())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.db", "log.db.lock"]
