# Sourced by ./run and ./test: sets PYTHON to an interpreter from 3.11 to 3.14, or says what is missing and exits.
fits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'
PYTHON=
for candidate in .venv/bin/python python3 python3.14 python3.13 python3.12 python3.11 python; do
    if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c "$fits" >/dev/null 2>&1; then
        PYTHON=$candidate
        break
    fi
done
if [ -z "$PYTHON" ]; then
    found=$(python3 --version 2>&1 || true)
    echo "This needs Python 3.11 to 3.14 (found: ${found:-none}). Install one of them, with its venv module." >&2
    exit 1
fi
