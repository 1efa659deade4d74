package caz.bench;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.nio.FloatBuffer;

/** Events that bring their row along, as JSON: a key and an array of numbers. */
final class TensorReader implements Workload.EventReader<TensorReader.Tensor> {

    record Tensor(String key, float[] row) {}

    private static final JsonFactory JSON =
            JsonFactory.builder().enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER).build();

    private final String keyField;
    private final String rowField;
    private final int width;

    TensorReader(String keyField, String rowField, int width) {
        this.keyField = keyField;
        this.rowField = rowField;
        this.width = width;
    }

    @Override
    public Tensor decode(byte[] value) throws IOException {
        try (JsonParser parser = JSON.createParser(value)) {
            String key = null;
            float[] row = null;
            expect(parser, parser.nextToken(), JsonToken.START_OBJECT);
            for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
                JsonToken token = parser.nextToken();
                if (name.equals(keyField)) {
                    expect(parser, token, JsonToken.VALUE_STRING);
                    key = parser.getText();
                } else if (name.equals(rowField)) {
                    expect(parser, token, JsonToken.START_ARRAY);
                    row = row(parser);
                } else {
                    parser.skipChildren();
                }
            }
            expect(parser, parser.currentToken(), JsonToken.END_OBJECT);
            expect(parser, parser.nextToken(), null);
            if (key == null || row == null) {
                throw new JsonParseException(parser, (key == null ? keyField : rowField) + " is missing");
            }
            return new Tensor(key, row);
        }
    }

    private float[] row(JsonParser parser) throws IOException {
        float[] row = new float[width];
        for (int i = 0; i < width; i++) {
            parser.nextToken();
            row[i] = parser.getFloatValue();
        }
        expect(parser, parser.nextToken(), JsonToken.END_ARRAY);
        return row;
    }

    private static void expect(JsonParser parser, JsonToken token, JsonToken expected) throws IOException {
        if (token != expected) {
            throw new JsonParseException(parser, "expected " + expected + ", found " + token);
        }
    }

    @Override
    public String key(Tensor event) {
        return event.key();
    }

    @Override
    public void put(Tensor event, FloatBuffer row) {
        row.put(event.row());
    }
}
