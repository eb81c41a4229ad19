# Stage 1 builds and runs the tests; stage 2 is one binary, one user, one volume.
# Needs no more network than the distribution's packages: tests with a browser, with npm's tools and with
# Swift are for `make test`, and are skipped here.
FROM debian:bookworm-slim AS build
WORKDIR /src
# The packages first: they change less often than the code.
COPY tools/deps.sh tools/
RUN tools/deps.sh build check
COPY . .
RUN make VARIANT=asan check
RUN make install PREFIX=/usr DESTDIR=/out

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
        ca-certificates libcjson1 libcurl4 libmicrohttpd12 librdkafka1 libsqlite3-0 libssl3 libzstd1 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin freshet \
 && install -d -o freshet -g freshet -m 750 /data
COPY --from=build /out/ /
# A library that is missing shows here, not when it is started.
RUN ["/usr/bin/freshet", "--version"]
ENV FRESHET_LISTEN=0.0.0.0:8080 FRESHET_DATA_DIR=/data
USER 10001:10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["freshet", "healthcheck"]
ENTRYPOINT ["freshet"]
