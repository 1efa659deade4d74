# shellcheck shell=bash
# Apicurio Registry, which speaks Confluent's schema registry API, for tests. Sourced after common.sh.
# 3.0.9 is the newest that runs on Java 17.

: "${cache:?}"
registry_version=3.0.9
registry_home=$cache/registry
registry_app=$registry_home/app-$registry_version
registry_jar=$registry_app/apicurio-registry-app-$registry_version-runner.jar

fetch_registry() {
    [[ ! -e $registry_jar ]] || return 0
    command -v mvn >/dev/null || die "Maven (mvn) is missing: run scripts/setup test"
    say "fetching Apicurio Registry $registry_version from Maven Central (109 MB)"
    rm -rf "$registry_home"/app-* "$registry_home/download"
    mkdir -p "$registry_home/download"
    # Newer versions of this plugin insist on the artifact's parent pom, which Maven Central does not have.
    local plugin=org.apache.maven.plugins:maven-dependency-plugin:2.10
    local artifact=io.apicurio:apicurio-registry-app:$registry_version:tar.gz:all
    mvn -q -B -Dstyle.color=never "$plugin:get" -Dartifact="$artifact" -Dtransitive=false -Ddest="$registry_home/download/app.tar.gz"
    mkdir "$registry_home/download/app"
    tar -xzf "$registry_home/download/app.tar.gz" -C "$registry_home/download/app"
    mv "$registry_home/download/app" "$registry_app"
    rm -rf "$registry_home/download"
}

# start_registry DIR: starts a registry with empty storage in memory, on free ports; `url` is its address.
start_registry() {
    local dir=$1 ports
    fetch_registry
    mkdir -p "$dir"
    mapfile -t ports < <(free_ports 2)
    local url=http://127.0.0.1:${ports[0]}/apis/ccompat/v7
    launch "$dir" env \
        QUARKUS_HTTP_HOST=127.0.0.1 QUARKUS_HTTP_PORT="${ports[0]}" QUARKUS_HTTP_ACCESS_LOG_ENABLED=false \
        QUARKUS_MANAGEMENT_HOST=127.0.0.1 QUARKUS_MANAGEMENT_PORT="${ports[1]}" APICURIO_STORAGE_KIND=sql \
        java -XX:-UsePerfData -Xms64m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -jar "$registry_jar"
    if ! await "$dir" 90 http_ok "$url/subjects"; then
        say "--- the end of $dir/log"
        tail -n 30 "$dir/log" >&2
        end "$dir"
        die "the schema registry did not start"
    fi
    echo "$url" >"$dir/url"
}
