package caz.bench;

import caz.example.CarInsuranceEvent;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import org.apache.avro.Schema;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.util.ClassSecurityValidator;

/** Car insurance quotes: plain Avro, and the features of models/car-insurance/features.py. */
final class CarInsurance implements Workload.EventReader<CarInsuranceEvent> {

    static {
        // Avro makes objects only of classes that it is told to trust.
        ClassSecurityValidator.setGlobal(ClassSecurityValidator.composite(
                ClassSecurityValidator.DEFAULT,
                ClassSecurityValidator.builder().add(CarInsuranceEvent.class).build()));
    }

    private final SpecificDatumReader<CarInsuranceEvent> reader;
    private final CarInsuranceFeatures features;
    private BinaryDecoder decoder;

    private CarInsurance(Schema writer, CarInsuranceFeatures features) {
        this.reader = new SpecificDatumReader<>(writer, CarInsuranceEvent.getClassSchema());
        this.features = features;
    }

    static Supplier<Workload.EventReader<CarInsuranceEvent>> reader(Path schema, Path frozen, List<String> names)
            throws IOException {
        Schema writer = new Schema.Parser().parse(schema.toFile());
        CarInsuranceFeatures features = CarInsuranceFeatures.of(names, Frozen.read(frozen));
        return () -> new CarInsurance(writer, features);
    }

    @Override
    public CarInsuranceEvent decode(byte[] value) throws IOException {
        decoder = DecoderFactory.get().binaryDecoder(value, decoder);
        CarInsuranceEvent event;
        try {
            event = reader.read(null, decoder);
        } catch (RuntimeException e) {
            // Avro says so of lengths and branches that cannot be.
            throw new IOException("not an event: " + e.getMessage(), e);
        }
        if (!decoder.isEnd()) {
            throw new IOException("bytes after the end of the event");
        }
        return event;
    }

    @Override
    public String key(CarInsuranceEvent event) {
        return event.getEcid();
    }

    @Override
    public void put(CarInsuranceEvent event, FloatBuffer row) {
        features.put(event, row);
    }
}
