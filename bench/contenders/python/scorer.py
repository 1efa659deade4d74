"""A stream scorer as most people write one in Python: batches of messages, fastavro, pandas, ONNX Runtime."""

from __future__ import annotations

import argparse
import io
import json
import signal
import time
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import onnxruntime
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from features import CarInsurance

COMMIT_INTERVAL = 0.1  # seconds
IDLE = 0.1  # seconds that an empty poll waits


class Scorer:
    """Events to scores, a batch at a time."""

    def __init__(self, workload: dict[str, Any]) -> None:
        self.workload = workload
        self.schema = fastavro.schema.load_schema(workload["schema"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(workload["model"], options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        self.car_insurance = None
        if workload["kind"] == "features":
            self.car_insurance = CarInsurance(json.loads(Path(workload["frozen"]).read_text()), workload["features"])

    def decode(self, value: bytes) -> dict[str, Any]:
        if self.workload["format"] == "avro":
            return fastavro.schemaless_reader(io.BytesIO(value), self.schema, None)
        return json.loads(value)

    def score(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if self.car_insurance:
            features = self.car_insurance(events)
        else:
            features = np.array([event[self.workload["field"]] for event in events], dtype="float32")
        labels, probabilities = self.session.run(["label", "probabilities"], {self.input: features})
        columns = probabilities[:, 1:] if self.car_insurance else probabilities
        key, names = self.workload["key_field"], self.workload["outputs"]
        rows = zip(events, labels.tolist(), columns.tolist(), strict=True)
        return [{key: event[key]} | dict(zip(names, [label, *values], strict=True)) for event, label, values in rows]


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("workload", "bootstrap", "input", "output", "dead-letters", "group", "guarantee"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    arguments = parser.parse_args()
    if arguments.workers != 1:
        parser.exit(64, "one process is one worker: start more processes\n")
    exactly_once = arguments.guarantee == "exactly_once"

    scorer = Scorer(json.loads(Path(arguments.workload).read_text()))
    consumer = Consumer(
        {
            "bootstrap.servers": arguments.bootstrap,
            "group.id": arguments.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
        }
    )
    settings = {"bootstrap.servers": arguments.bootstrap, "linger.ms": 5, "enable.idempotence": True}
    producer = Producer(settings | ({"transactional.id": arguments.group} if exactly_once else {}))
    if exactly_once:
        producer.init_transactions()
    consumer.subscribe([arguments.input])

    running = True

    def stop(*_: object) -> None:
        nonlocal running
        running = False

    signal.signal(signal.SIGTERM, stop)
    opened: float | None = None
    offsets: dict[int, int] = {}

    def commit() -> None:
        nonlocal opened
        positions = [TopicPartition(arguments.input, partition, offset) for partition, offset in offsets.items()]
        if exactly_once:
            producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata())
            producer.commit_transaction()
        else:
            producer.flush()
            consumer.commit(offsets=positions, asynchronous=False)
        offsets.clear()
        opened = None

    while running:
        messages = consumer.consume(arguments.batch, timeout=IDLE if opened is None else 0.005)
        if messages and opened is None:
            if exactly_once:
                producer.begin_transaction()
            opened = time.monotonic()
        score_batch(scorer, producer, messages, arguments)
        offsets.update((message.partition(), message.offset() + 1) for message in messages)
        producer.poll(0)
        if opened is not None and (not messages or time.monotonic() - opened >= COMMIT_INTERVAL):
            commit()
    if opened is not None:
        commit()
    consumer.close()


def score_batch(scorer: Scorer, producer: Producer, messages: list[Message], arguments: argparse.Namespace) -> None:
    events, of = [], []
    for message in messages:
        if message.error():
            raise RuntimeError(message.error())
        try:
            events.append(scorer.decode(message.value()))
            of.append(message)
        except (ValueError, EOFError, IndexError):
            send(producer, arguments.dead_letters, message, message.value())
    if events:
        for message, score in zip(of, scorer.score(events), strict=True):
            send(producer, arguments.output, message, json.dumps(score).encode())


def send(producer: Producer, topic: str, message: Message, value: bytes) -> None:
    timestamp = message.timestamp()[1]
    while True:
        try:
            return producer.produce(topic, value, message.key(), timestamp=timestamp)
        except BufferError:
            producer.poll(0.01)


if __name__ == "__main__":
    main()
