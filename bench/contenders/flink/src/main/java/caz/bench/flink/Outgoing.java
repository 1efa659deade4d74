package caz.bench.flink;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;

/** A record to write: a score or a dead letter, so that one transaction holds both. A POJO as Flink asks for. */
public final class Outgoing {

    static final TypeInformation<Outgoing> TYPE = Types.POJO(Outgoing.class);

    public String topic;
    public byte[] key;
    public byte[] value;

    public Outgoing() {}

    Outgoing(String topic, byte[] key, byte[] value) {
        this.topic = topic;
        this.key = key;
        this.value = value;
    }
}
