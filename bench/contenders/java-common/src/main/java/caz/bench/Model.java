package caz.bench;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/** An ONNX model: one float input of rows, and as outputs a label and the classes' probabilities. Threads may share it. */
public final class Model implements AutoCloseable {

    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;
    private final String input;
    private final int width;
    private final int classes;

    public Model(Path file, int width) throws OrtException {
        this.width = width;
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            // The threads are the workers.
            options.setIntraOpNumThreads(1);
            options.setInterOpNumThreads(1);
            options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
            session = environment.createSession(file.toString(), options);
        }
        input = session.getInputNames().iterator().next();
        var probabilities = (ai.onnxruntime.TensorInfo) session.getOutputInfo().get("probabilities").getInfo();
        classes = (int) probabilities.getShape()[1];
    }

    @Override
    public void close() throws OrtException {
        session.close();
    }

    /** Direct memory for up to {@code capacity} rows and their answers, which ONNX Runtime reads and writes in place. */
    public final class Run implements AutoCloseable {
        private final FloatBuffer rows;
        private final LongBuffer labels;
        private final FloatBuffer probabilities;
        private Tensors tensors;

        public Run(int capacity) {
            rows = direct(Float.BYTES * capacity * width).asFloatBuffer();
            labels = direct(Long.BYTES * capacity).asLongBuffer();
            probabilities = direct(Float.BYTES * capacity * classes).asFloatBuffer();
        }

        private static ByteBuffer direct(int bytes) {
            return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
        }

        /** The next row is put at its position. */
        public FloatBuffer rows() {
            return rows;
        }

        public long label(int row) {
            return labels.get(row);
        }

        public float probability(int row, int ofClass) {
            return probabilities.get(row * classes + ofClass);
        }

        public int classes() {
            return classes;
        }

        /** Scores the rows that were put, and empties {@link #rows}. */
        public void score() throws OrtException {
            int count = rows.position() / width;
            if (tensors == null || tensors.count != count) {
                close();
                tensors = new Tensors(count);
            }
            session.run(tensors.inputs, Set.of(), tensors.outputs).close();
            rows.clear();
        }

        @Override
        public void close() {
            if (tensors != null) {
                tensors.close();
                tensors = null;
            }
        }

        /** The buffers as tensors of so many rows: kept, for under load it is always the same number. */
        private final class Tensors implements AutoCloseable {
            final int count;
            final Map<String, OnnxTensor> inputs;
            final Map<String, OnnxTensor> outputs;

            Tensors(int count) throws OrtException {
                this.count = count;
                inputs = Map.of(input, tensor(rows, width));
                outputs = Map.of(
                        "label", OnnxTensor.createTensor(environment, labels.slice(0, count), new long[] {count}),
                        "probabilities", tensor(probabilities, classes));
            }

            private OnnxTensor tensor(FloatBuffer buffer, int columns) throws OrtException {
                return OnnxTensor.createTensor(environment, buffer.slice(0, count * columns), new long[] {count, columns});
            }

            @Override
            public void close() {
                inputs.values().forEach(OnnxTensor::close);
                outputs.values().forEach(OnnxTensor::close);
            }
        }
    }
}
