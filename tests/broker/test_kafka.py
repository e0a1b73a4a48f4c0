"""The Kafka that deploy/kafka starts answers, keeps what it acknowledged and makes no topic by itself."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka import KafkaAdminClient

pytestmark = pytest.mark.broker
DEADLINE_S = 30.0


@pytest.fixture
def servers(broker: str) -> str:
    """The broker's `host:port`."""
    return broker.removeprefix("kafka://")


@pytest.fixture
def topic(servers: str) -> str:
    """A new topic of two partitions."""
    name = f"test.{uuid.uuid4().hex}"
    admin = KafkaAdminClient(bootstrap_servers=servers)
    admin.create_topics({name: {"num_partitions": 2, "replication_factor": 1}})
    admin.close()
    return name


async def _send_and_read(servers: str, topic: str, values: list[bytes]) -> list[tuple[int, bytes | None]]:
    """Send all to partition 1, each acknowledged; read them back from the beginning."""
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True)
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
    try:
        await producer.start()
        for value in values:
            await producer.send_and_wait(topic, value, partition=1)
        await consumer.start()
        consumer.assign([TopicPartition(topic, 1)])
        await consumer.seek_to_beginning()
        return [(one.offset, one.value) for one in [await consumer.getone() for _ in values]]
    finally:
        await consumer.stop()
        await producer.stop()


def test_what_is_acknowledged_is_read_in_order(servers: str, topic: str) -> None:
    values = [b"one", b"two", b"three"]
    read = asyncio.run(asyncio.wait_for(_send_and_read(servers, topic, values), DEADLINE_S))
    assert read == list(enumerate(values))


def test_a_topic_that_nobody_made_is_not_there(servers: str) -> None:
    """A misspelt topic shows as an error and not as a topic with the wrong number of partitions."""
    name = f"test.{uuid.uuid4().hex}"
    admin = KafkaAdminClient(bootstrap_servers=servers)
    try:
        (described,) = admin.describe_topics([name])
        assert described["error_code"] != 0
        assert name not in admin.list_topics()
    finally:
        admin.close()
