package caz.bench.flink;

import caz.bench.Arguments;
import caz.bench.Batch;
import caz.bench.Model;
import caz.bench.Workload;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * From events to scores, many in one call of the model.
 *
 * <p>Nothing waits across a checkpoint: what does is scored before its barrier goes on to the sink, so there is no state.
 */
final class ScoringOperator extends AbstractStreamOperator<Outgoing>
        implements OneInputStreamOperator<Tuple2<byte[], byte[]>, Outgoing> {

    private static final long serialVersionUID = 1;

    // With at least once a score is seen as soon as it is written, so the batch does not wait for the checkpoint.
    private static final long LINGER_MS = 5;

    private final String workload;
    private final String outputTopic;
    private final String deadLettersTopic;
    private final int capacity;
    private final boolean lingers;

    private transient Scorer<?> scorer;

    ScoringOperator(Arguments arguments) {
        workload = arguments.workload().toString();
        outputTopic = arguments.output();
        deadLettersTopic = arguments.deadLetters();
        capacity = arguments.batch();
        lingers = !arguments.exactlyOnce();
    }

    @Override
    public void open() throws Exception {
        super.open();
        scorer = new Scorer<>(Workload.read(Path.of(workload)));
    }

    @Override
    public void processElement(StreamRecord<Tuple2<byte[], byte[]>> element) {
        scorer.process(element.getValue(), element.getTimestamp());
    }

    @Override
    public void prepareSnapshotPreBarrier(long checkpointId) {
        scorer.score();
    }

    @Override
    public void finish() throws Exception {
        scorer.score();
        super.finish();
    }

    @Override
    public void close() throws Exception {
        if (scorer != null) {
            scorer.close();
        }
        super.close();
    }

    /** What an event's score is written with. */
    private record Origin(byte[] key, long timestamp) {}

    /** The operator, for one type of events. */
    private final class Scorer<E> implements AutoCloseable {
        private final Workload.EventReader<E> events;
        private final Model model;
        private final Batch<E, Origin> batch;
        private final StreamRecord<Outgoing> reused = new StreamRecord<>(null);
        private boolean scoresSoon;

        Scorer(Workload<E> workload) throws Exception {
            events = workload.events().get();
            model = new Model(workload.model(), workload.width());
            batch = new Batch<>(workload, model, capacity);
        }

        void process(Tuple2<byte[], byte[]> event, long timestamp) {
            E decoded;
            try {
                decoded = decode(event.f1);
            } catch (IOException e) {
                emit(deadLettersTopic, event.f0, event.f1, timestamp);
                return;
            }
            batch.add(decoded, new Origin(event.f0, timestamp));
            if (batch.isFull()) {
                score();
            } else if (lingers && !scoresSoon) {
                scoreSoon();
            }
        }

        private E decode(byte[] value) throws IOException {
            if (value == null) {
                throw new IOException("an event without a value");
            }
            return events.decode(value);
        }

        private void scoreSoon() {
            scoresSoon = true;
            var clock = getProcessingTimeService();
            clock.registerTimer(clock.getCurrentProcessingTime() + LINGER_MS, now -> {
                scoresSoon = false;
                score();
            });
        }

        void score() {
            batch.score((origin, json) -> emit(outputTopic, origin.key(), json, origin.timestamp()));
        }

        private void emit(String topic, byte[] key, byte[] value, long timestamp) {
            output.collect(reused.replace(new Outgoing(topic, key, value), timestamp));
        }

        @Override
        public void close() throws Exception {
            batch.close();
            model.close();
        }
    }
}
