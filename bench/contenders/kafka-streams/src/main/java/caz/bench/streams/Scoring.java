package caz.bench.streams;

import caz.bench.Arguments;
import caz.bench.Batch;
import caz.bench.Model;
import caz.bench.Workload;
import java.time.Duration;
import java.util.Set;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorSupplier;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.StoreBuilder;

/**
 * The step from events to scores: one event a call of the model, or many.
 *
 * <p>Events that wait for their batch belong to offsets that the next commit covers, so they are scored before it: {@link CommitHook}.
 */
final class Scoring<E> implements FixedKeyProcessorSupplier<byte[], E, byte[]> {

    // With at least once a score is seen as soon as it is written, so the batch does not wait for the commit.
    private static final Duration LINGER = Duration.ofMillis(5);

    private final Workload<E> workload;
    private final Model model;
    private final int capacity;
    private final boolean lingers;

    Scoring(Workload<E> workload, Model model, Arguments arguments) {
        this.workload = workload;
        this.model = model;
        this.capacity = arguments.batch();
        this.lingers = !arguments.exactlyOnce();
    }

    @Override
    public FixedKeyProcessor<byte[], E, byte[]> get() {
        return capacity == 1 ? new RecordByRecord() : new Batched();
    }

    @Override
    public Set<StoreBuilder<?>> stores() {
        return capacity == 1 ? Set.of() : Set.of(new CommitHook.Builder());
    }

    private class RecordByRecord implements FixedKeyProcessor<byte[], E, byte[]> {
        private FixedKeyProcessorContext<byte[], byte[]> context;
        private Batch<E, FixedKeyRecord<byte[], E>> batch;

        @Override
        public void init(FixedKeyProcessorContext<byte[], byte[]> context) {
            this.context = context;
            batch = new Batch<>(workload, model, capacity);
        }

        @Override
        public void process(FixedKeyRecord<byte[], E> record) {
            batch.add(record.value(), record);
            if (batch.isFull()) {
                score();
            }
        }

        final void score() {
            batch.score((record, json) -> context.forward(record.withValue(json)));
        }

        @Override
        public void close() {
            batch.close();
        }
    }

    private final class Batched extends RecordByRecord {
        @Override
        public void init(FixedKeyProcessorContext<byte[], byte[]> context) {
            super.init(context);
            context.<CommitHook>getStateStore(CommitHook.NAME).beforeCommit(context, this::score);
            if (lingers) {
                context.schedule(LINGER, PunctuationType.WALL_CLOCK_TIME, now -> score());
            }
        }
    }
}
