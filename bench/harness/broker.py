"""The broker: topics, and how far their readers and writers are."""

from __future__ import annotations

import time
from collections.abc import Mapping

from confluent_kafka import ConsumerGroupTopicPartitions, IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

TIMEOUT = 30.0


class Broker:
    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self._admin = self._client()

    def _client(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap})

    def create(self, topics: Mapping[str, int]) -> None:
        """Topics with their partitions, ready to be written. What is deleted leaves the disk at once."""
        config = {"file.delete.delay.ms": "1000", "retention.ms": "-1", "max.message.bytes": "8388608"}
        new = [NewTopic(name, partitions, 1, config=config) for name, partitions in topics.items()]
        for future in self._admin.create_topics(new, operation_timeout=TIMEOUT).values():
            future.result(TIMEOUT)
        for name, partitions in topics.items():
            self._wait_for_leaders(name, partitions)

    def _wait_for_leaders(self, topic: str, partitions: int) -> None:
        give_up = time.monotonic() + TIMEOUT
        while True:
            try:
                self.ends(topic, partitions, committed=True)
                return
            except KafkaException:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.05)
                # The old client remembers that the topic was not there.
                self._admin = self._client()

    def delete(self, *topics: str) -> None:
        for future in self._admin.delete_topics(list(topics), operation_timeout=TIMEOUT).values():
            future.result(TIMEOUT)

    def ends(self, topic: str, partitions: int, committed: bool) -> list[int]:
        """The offset behind the last record of each partition; with `committed`, behind the last that its readers may see."""
        level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        wanted = {TopicPartition(topic, partition): OffsetSpec.latest() for partition in range(partitions)}
        answers = self._admin.list_offsets(wanted, isolation_level=level, request_timeout=TIMEOUT)
        ends = {place.partition: future.result(TIMEOUT).offset for place, future in answers.items()}
        return [ends[partition] for partition in range(partitions)]

    def committed(self, group: str, topic: str, partitions: int) -> list[int]:
        """The group's committed offset of each partition, 0 where there is none."""
        places = [TopicPartition(topic, partition) for partition in range(partitions)]
        future = self._admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group, places)])[group]
        try:
            answers = future.result(TIMEOUT).topic_partitions
        except KafkaException:
            return [0] * partitions
        offsets = {place.partition: max(place.offset, 0) for place in answers}
        return [offsets.get(partition, 0) for partition in range(partitions)]
