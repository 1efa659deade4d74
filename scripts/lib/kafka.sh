# shellcheck shell=bash
# Apache Kafka for tests: fetched once, started on free ports of the loopback, ended by pid. Sourced after common.sh.
#
# A cluster is a directory: `bootstrap` (its addresses), and for each node `node-N/` with pid, log, server.properties
# and data. Starting a cluster whose directory exists starts the nodes that do not run, on the ports they had: that is
# how a test brings back a node it has killed. A secured cluster has `security/` too: what scripts/kafka.d/credentials
# makes, and the addresses `tls`, `mtls` and `sasl`.

: "${root:?}" "${cache:?}"
kafka_home=$cache/kafka
kafka_conf=$root/scripts/kafka.d

fetch_kafka() {
    local stamp=$kafka_home/libs/.fetched want
    want=$(fingerprint "$kafka_conf/pom.xml")
    [[ "$(cat "$stamp" 2>/dev/null)" != "$want" ]] || return 0
    command -v mvn >/dev/null || die "Maven (mvn) is missing: run scripts/setup test"
    say "fetching Apache Kafka from Maven Central (45 MB)"
    rm -rf "$kafka_home/libs"
    mkdir -p "$kafka_home"
    mvn -q -B -Dstyle.color=never -f "$kafka_conf/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$kafka_home/libs"
    echo "$want" >"$stamp"
}

# configure_kafka DIR NODES: writes the nodes' configurations, each with two free ports.
configure_kafka() {
    local dir=$1 nodes=$2 ports=() voters=() brokers=() node
    mapfile -t ports < <(free_ports $((2 * nodes)))
    for ((node = 1; node <= nodes; node++)); do
        brokers+=("127.0.0.1:${ports[2 * node - 2]}")
        voters+=("$node@127.0.0.1:${ports[2 * node - 1]}")
    done
    for ((node = 1; node <= nodes; node++)); do
        mkdir -p "$dir/node-$node"
        {
            cat "$kafka_conf/server.properties"
            echo "node.id=$node"
            echo "listeners=PLAINTEXT://${brokers[node - 1]},CONTROLLER://${voters[node - 1]#*@}"
            echo "advertised.listeners=PLAINTEXT://${brokers[node - 1]}"
            echo "controller.quorum.voters=$(IFS=,; echo "${voters[*]}")"
            echo "log.dirs=$dir/node-$node/data"
            # As production does it: three copies, of which two must have a record before it counts as written.
            local key
            for key in default offsets.topic transaction.state.log share.coordinator.state.topic; do
                echo "$key.replication.factor=$((nodes >= 3 ? 3 : 1))"
            done
            for key in min.insync.replicas transaction.state.log.min.isr share.coordinator.state.topic.min.isr; do
                echo "$key=$((nodes >= 3 ? 2 : 1))"
            done
        } >"$dir/node-$node/server.properties"
    done
    python3 -c 'import base64, uuid; print(base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))' |
        sed 's/^-/A/' >"$dir/cluster-id"
    (IFS=,; echo "${brokers[*]}") >"$dir/bootstrap"
}

kafka_is_ready() { grep -qs 'Kafka Server started' "$1/log"; }

# secure_kafka DIR: adds listeners with TLS and SASL, and access control, to the configured cluster of one node.
secure_kafka() {
    local dir=$1 security=$1/security node=$1/node-1 ports listener mechanism
    mkdir -p "$security"
    "$kafka_conf/credentials" "$security"
    mapfile -t ports < <(free_ports 3)
    echo "127.0.0.1:${ports[0]}" >"$security/tls"
    echo "127.0.0.1:${ports[1]}" >"$security/mtls"
    echo "127.0.0.1:${ports[2]}" >"$security/sasl"
    sed -i '/^listener.security.protocol.map=/d' "$node/server.properties"
    for listener in tls mtls sasl; do
        sed -i "/^\(advertised.\)\?listeners=/s|\$|,${listener^^}://$(cat "$security/$listener")|" "$node/server.properties"
    done
    {
        cat "$kafka_conf/secured.properties"
        echo "ssl.keystore.location=$security/broker.pem"
        echo "ssl.truststore.location=$security/ca.pem"
        echo "listener.name.sasl.oauthbearer.sasl.oauthbearer.jwks.endpoint.url=file://$security/jwks.json"
        echo "listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required" \
            "user_caz-plain=\"$(cat "$security/plain.password")\";"
    } >>"$node/server.properties"
    # What the node's script takes besides: users as the storage is formatted, files that tokens may be checked with.
    for mechanism in SCRAM-SHA-256 SCRAM-SHA-512; do
        echo "$mechanism=[name=caz-scram,password=$(cat "$security/scram.password")]"
    done >"$node/scram"
    echo "-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file://$security/jwks.json" >"$node/jvm"
    echo "-Dorg.apache.kafka.sasl.oauthbearer.allowed.files=$security/jwks.json" >>"$node/jvm"
}

# start_kafka DIR NODES: starts the nodes that do not run, and returns when each of them answers. With `secured` set, a
# new cluster is a secured one.
start_kafka() {
    local dir=$1 nodes=$2 attempt
    fetch_kafka
    if [[ -e $dir/bootstrap ]]; then
        start_nodes "$dir" || kafka_failed "$dir"
        return
    fi
    # A free port may be taken by another process before the broker binds it; then other ports are the answer.
    for attempt in 1 2 3; do
        configure_kafka "$dir" "$nodes"
        if [[ -n ${secured:-} ]]; then
            secure_kafka "$dir"
        fi
        if start_nodes "$dir"; then
            return
        elif ((attempt == 3)) || ! grep -qs 'Address already in use' "$dir"/node-*/log; then
            kafka_failed "$dir"
        fi
        stop_kafka "$dir"
        rm -rf "$dir"/node-* "$dir/security" "$dir/bootstrap"
    done
}

start_nodes() {
    local node started=()
    for node in "$1"/node-*; do
        if ! alive "$node"; then
            launch "$node" "$kafka_conf/node" "$kafka_home/libs" "$(cat "$1/cluster-id")"
            started+=("$node")
        fi
    done
    for node in "${started[@]}"; do
        await "$node" 90 kafka_is_ready "$node" || return 1
    done
}

kafka_failed() {
    local log
    for log in "$1"/node-*/log; do
        say "--- the end of $log"
        tail -n 30 "$log" >&2
    done
    stop_kafka "$1"
    die "Kafka did not start"
}

# stop_kafka DIR: asks all nodes to end before waiting for any: a majority is needed to leave in good order.
stop_kafka() {
    local node
    for node in "$1"/node-*; do
        if alive "$node"; then
            kill -TERM "$(cat "$node/pid")" 2>/dev/null || true
        fi
    done
    for node in "$1"/node-*; do
        end "$node"
    done
}
