package caz.bench.streams;

import caz.bench.Arguments;
import caz.bench.Model;
import caz.bench.Workload;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.LogAndContinueExceptionHandler;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;

/** Scores a topic with Kafka Streams, until SIGTERM. */
public final class KafkaStreamsScorer {

    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(8);

    private KafkaStreamsScorer() {}

    public static void main(String[] args) throws Exception {
        Arguments arguments = Arguments.parse(args);
        Workload<?> workload = Workload.read(arguments.workload());
        Model model = new Model(workload.model(), workload.width());

        KafkaStreams streams = new KafkaStreams(topology(arguments, workload, model), configuration(arguments));
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            // Not from a thread of Streams, which the shutdown hook waits for.
            new Thread(() -> System.exit(1)).start();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(CLOSE_TIMEOUT)));
        streams.start();
    }

    private static <E> Topology topology(Arguments arguments, Workload<E> workload, Model model) {
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(arguments.input(), Consumed.with(Serdes.ByteArray(), EventDeserializer.serde(workload)))
                .processValues(new Scoring<>(workload, model, arguments))
                .to(arguments.output(), Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
        return builder.build();
    }

    private static Properties configuration(Arguments arguments) {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments.group());
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments.bootstrap());
        properties.put(StreamsConfig.STATE_DIR_CONFIG, ".caz/bench/kafka-streams/state");
        properties.put(
                StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
                arguments.exactlyOnce() ? StreamsConfig.EXACTLY_ONCE_V2 : StreamsConfig.AT_LEAST_ONCE);
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, arguments.commitIntervalMs());
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, arguments.workers());
        properties.put(
                StreamsConfig.DESERIALIZATION_EXCEPTION_HANDLER_CLASS_CONFIG, LogAndContinueExceptionHandler.class);
        properties.put(StreamsConfig.ERRORS_DEAD_LETTER_QUEUE_TOPIC_NAME_CONFIG, arguments.deadLetters());
        // Fewer, larger requests: the default of 16 KiB holds about 100 scores.
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 128 * 1024);
        return properties;
    }
}
