package caz.bench;

import ai.onnxruntime.OrtException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.SerializableString;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.core.io.SerializedString;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Events that are scored in one call. Belongs to one thread.
 *
 * @param <E> an event
 * @param <R> what an event came in, handed back with its score
 */
public final class Batch<E, R> implements AutoCloseable {

    /** Takes each event's score, in the order in which the events were added. */
    public interface Scores<R> {
        void accept(R record, byte[] json);
    }

    private static final JsonFactory JSON =
            JsonFactory.builder().enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER).build();

    private final Workload.EventReader<E> events;
    private final Model.Run run;
    private final int capacity;
    private final SerializableString keyField;
    private final List<SerializableString> outputs;
    private final int firstClass;

    private final List<R> records;
    private final List<String> keys;
    private final ByteArrayBuilder json = new ByteArrayBuilder();

    public Batch(Workload<E> workload, Model model, int capacity) {
        this.events = workload.events().get();
        this.run = model.new Run(capacity);
        this.capacity = capacity;
        this.keyField = new SerializedString(workload.keyField());
        this.outputs = workload.outputs().stream().<SerializableString>map(SerializedString::new).toList();
        this.firstClass = run.classes() - (outputs.size() - 1);
        this.records = new ArrayList<>(capacity);
        this.keys = new ArrayList<>(capacity);
    }

    /** Makes the event's features, which is all that is kept of it. There must be room. */
    public void add(E event, R record) {
        events.put(event, run.rows());
        keys.add(events.key(event));
        records.add(record);
    }

    public boolean isEmpty() {
        return records.isEmpty();
    }

    public boolean isFull() {
        return records.size() == capacity;
    }

    /** Scores what was added, and is empty then. */
    public void score(Scores<R> scores) {
        if (isEmpty()) {
            return;
        }
        try {
            run.score();
            for (int row = 0; row < records.size(); row++) {
                scores.accept(records.get(row), json(row));
            }
        } catch (OrtException | IOException e) {
            throw new IllegalStateException(e);
        } finally {
            records.clear();
            keys.clear();
        }
    }

    private byte[] json(int row) throws IOException {
        json.reset();
        try (JsonGenerator generator = JSON.createGenerator(json)) {
            generator.writeStartObject();
            generator.writeFieldName(keyField);
            generator.writeString(keys.get(row));
            generator.writeFieldName(outputs.get(0));
            generator.writeNumber(run.label(row));
            for (int output = 1; output < outputs.size(); output++) {
                generator.writeFieldName(outputs.get(output));
                generator.writeNumber(run.probability(row, firstClass + output - 1));
            }
            generator.writeEndObject();
        }
        return json.toByteArray();
    }

    @Override
    public void close() {
        run.close();
    }
}
