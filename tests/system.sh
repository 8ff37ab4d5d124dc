#!/bin/sh
# Install what the tests need of the operating system, where apt-get can do it.
set -eu
missing=""
for pair in chromium:chromium prometheus:prometheus prometheus-alertmanager:prometheus-alertmanager \
    openssl:openssl git:git; do
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
    echo "Missing:$missing. Tests that need them are skipped; install them with your package manager."
    exit 0
fi
root=""
[ "$(id -u)" -eq 0 ] || root="sudo -n"
echo "Installing$missing ..."
if ! { $root apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
    $root apt-get install -y -qq --no-install-recommends $missing >/dev/null; }; then
    echo "Could not install$missing; tests that need them are skipped. Try: sudo apt-get install$missing"
    [ -z "${CI:-}" ]
fi
