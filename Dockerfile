# Two stages: the first builds the node, the second holds only what runs it.
#
#   docker build -t panal .
#   docker run --rm --read-only -p 127.0.0.1:8080:8080 -v panal:/data panal
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
WORKDIR /src
# The packages change seldom; a layer of their own keeps them.
COPY packages.txt ./
COPY scripts/deps scripts/
RUN scripts/deps build && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY CMakeLists.txt CMakePresets.json main.cpp ./
COPY cmake cmake
COPY config config
COPY logging logging
COPY storage storage
COPY cluster cluster
COPY actors actors
COPY http http
RUN cmake --preset release -DPANAL_TESTS=OFF \
 && cmake --build --preset release --target panal \
 && strip build/panal
# The list of what the next stage installs, so that it needs no script.
RUN scripts/deps --list runtime > /runtime.txt

FROM ${BASE}
COPY --from=build /runtime.txt /usr/share/panal/packages.txt
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive xargs -a /usr/share/panal/packages.txt \
      apt-get install -y -q --no-install-recommends \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=build /src/build/panal /usr/local/bin/panal
# The node's own user. A volume takes its owner from here; a mounted folder
# has to be writable for whoever the container runs as (--user).
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin panal \
 && install -d -o panal -g panal -m 0700 /data
USER 10001:10001
VOLUME /data
ENV PANAL_DATA_DIR=/data \
    PANAL_HTTP_HOST=0.0.0.0 \
    PANAL_HTTP_PORT=8080 \
    PANAL_LOG_FORMAT=json
EXPOSE 8080 7000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["/usr/local/bin/panal", "--health-check"]
ENTRYPOINT ["/usr/local/bin/panal"]
