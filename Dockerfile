# The image holds caz and the ONNX Runtime that it loads. Pipelines, schemas and models are mounted, not built in.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ libssl-dev locales make pkg-config python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
RUN localedef --no-archive -i en_US -f UTF-8 /usr/lib/locale/en_US.utf8
WORKDIR /src

COPY scripts/setup scripts/onnxruntime.txt scripts/
COPY scripts/lib scripts/lib
RUN scripts/setup onnxruntime /onnxruntime

# The dependencies are a layer of their own, which an edit of caz's source leaves as it is.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src && echo 'fn main() {}' >src/main.rs && touch src/lib.rs \
    && cargo build --release --locked --bin caz \
    && rm -r src

COPY build.rs ./
COPY docs/errors docs/errors
COPY docs/examples docs/examples
COPY src src
# What caz_build_info says: docker compose build --build-arg CAZ_REVISION=$(git rev-parse --short HEAD)
ARG CAZ_REVISION=unknown
# Cargo goes by the time of the files, which may be older than the build above.
RUN find build.rs src -name '*.rs' -exec touch {} + && CAZ_REVISION=$CAZ_REVISION cargo build --release --locked --bin caz
# Most of the binary tells backtraces the lines of the source; compressed, it still does.
RUN objcopy --compress-debug-sections=zlib target/release/caz


FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin caz

# scikit-learn's exported text vectorizers ask for this locale.
COPY --from=build /usr/lib/locale/en_US.utf8 /usr/lib/locale/en_US.utf8
# caz looks for libonnxruntime.so beside its binary.
COPY --from=build /onnxruntime /opt/caz
COPY --from=build /src/target/release/caz /opt/caz/caz
RUN ln -s /opt/caz/caz /usr/local/bin/caz

USER 10001
WORKDIR /etc/caz
EXPOSE 9464
HEALTHCHECK --interval=5s --timeout=6s --start-period=30s --retries=6 \
    CMD ["caz", "health", "http://127.0.0.1:9464/readyz"]
ENTRYPOINT ["caz"]
CMD ["--help"]
