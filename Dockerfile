FROM python:3.11.16-slim-trixie AS build
# PyICU, by which names are compared in any script, comes as source only.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ libicu-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /desk
RUN python -m venv --without-pip venv
COPY requirements-worker.lock ./
RUN python -m pip --python venv/bin/python install --no-cache-dir --disable-pip-version-check \
    --only-binary :all: --no-binary pyicu --require-hashes -r requirements-worker.lock
COPY activities activities
COPY adapters adapters
COPY config config
COPY domain domain
COPY letters letters
COPY worker worker
COPY workflows workflows
RUN venv/bin/python -m compileall -q activities adapters config domain letters worker workflows

FROM python:3.11.16-slim-trixie
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libicu76 \
    && rm -rf /var/lib/apt/lists/*
# The folders under /mail give the volumes that are mounted there their owner.
RUN groupadd --gid 10001 desk \
    && useradd --uid 10001 --gid 10001 --create-home --shell /usr/sbin/nologin desk \
    && install -d -o desk -g desk /mail/authority /mail/server
COPY --from=build /desk /desk
WORKDIR /desk
ENV PATH=/desk/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DESK_METRICS_ADDRESS=0.0.0.0:9464
USER 10001:10001
EXPOSE 9464
STOPSIGNAL SIGTERM
# A worker that polls its task queue counts its pollers, and it begins to count them when Temporal has answered.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-c", "\
import sys, urllib.request; \
page = urllib.request.urlopen('http://127.0.0.1:9464/metrics', timeout=4).read(); \
sys.exit(b'temporal_num_pollers' not in page)"]
ENTRYPOINT ["python", "-m", "worker"]
