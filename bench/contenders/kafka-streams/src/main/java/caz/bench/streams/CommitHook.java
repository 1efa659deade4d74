package caz.bench.streams;

import java.util.Map;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.processor.StateStoreContext;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.internals.InternalProcessorContext;
import org.apache.kafka.streams.processor.internals.ProcessorNode;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.internals.CacheFlushListener;
import org.apache.kafka.streams.state.internals.CachedStateStore;

/**
 * Lets a processor forward what it holds back before its task commits.
 *
 * <p>The public API has no such moment. Streams' own record cache has: a task that prepares a commit, on the interval, when partitions
 * leave or when it closes, flushes the caches of its stores, which forward downstream, and only then flushes the producer and collects
 * the offsets. This store is such a cache, without a store beneath it.
 */
final class CommitHook implements StateStore, CachedStateStore<byte[], byte[]> {

    static final String NAME = "commit-hook";

    private Runnable action = () -> {};

    /** Runs the action, which may forward, before each commit of the processor's task. To be called in the processor's {@code init}. */
    void beforeCommit(FixedKeyProcessorContext<?, ?> processor, Runnable action) {
        InternalProcessorContext<?, ?> context = (InternalProcessorContext<?, ?>) processor;
        ProcessorNode<?, ?, ?, ?> node = context.currentNode();
        this.action = () -> {
            // As TimestampedCacheFlushListener does it: forwarding goes from the current node to its children.
            ProcessorNode<?, ?, ?, ?> previous = context.currentNode();
            context.setCurrentNode(node);
            try {
                action.run();
            } finally {
                context.setCurrentNode(previous);
            }
        };
    }

    @Override
    public void flushCache() {
        action.run();
    }

    @Override
    public void clearCache() {
        throw new UnsupportedOperationException("nothing is cached beside what the next commit flushes");
    }

    @Override
    public boolean setFlushListener(CacheFlushListener<byte[], byte[]> listener, boolean sendOldValues) {
        return false;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void init(StateStoreContext context, StateStore root) {
        context.register(root, (key, value) -> {});
    }

    @Override
    public void close() {
        action = () -> {};
    }

    @Override
    public boolean persistent() {
        return false;
    }

    @Override
    public boolean isOpen() {
        return true;
    }

    /** One store a task, without a changelog. */
    static final class Builder implements StoreBuilder<CommitHook> {
        @Override
        public CommitHook build() {
            return new CommitHook();
        }

        @Override
        public String name() {
            return NAME;
        }

        @Override
        public boolean loggingEnabled() {
            return false;
        }

        @Override
        public Map<String, String> logConfig() {
            return Map.of();
        }

        @Override
        public StoreBuilder<CommitHook> withCachingEnabled() {
            return this;
        }

        @Override
        public StoreBuilder<CommitHook> withCachingDisabled() {
            return this;
        }

        @Override
        public StoreBuilder<CommitHook> withLoggingEnabled(Map<String, String> config) {
            return this;
        }

        @Override
        public StoreBuilder<CommitHook> withLoggingDisabled() {
            return this;
        }
    }
}
