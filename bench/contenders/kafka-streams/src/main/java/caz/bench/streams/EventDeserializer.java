package caz.bench.streams;

import caz.bench.Workload;
import java.io.IOException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** Decodes events. Streams hands one deserializer to all its threads, and a reader belongs to one. */
final class EventDeserializer<E> implements Deserializer<E> {

    private final ThreadLocal<Workload.EventReader<E>> reader;

    private EventDeserializer(Workload<E> workload) {
        reader = ThreadLocal.withInitial(workload.events());
    }

    static <E> Serde<E> serde(Workload<E> workload) {
        return Serdes.serdeFrom(
                (topic, event) -> {
                    throw new UnsupportedOperationException("events are only read");
                },
                new EventDeserializer<>(workload));
    }

    @Override
    public E deserialize(String topic, byte[] value) {
        if (value == null) {
            throw new SerializationException("an event without a value");
        }
        try {
            return reader.get().decode(value);
        } catch (IOException e) {
            throw new SerializationException(e);
        }
    }
}
