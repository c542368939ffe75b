#!/bin/sh
# add-to-pool.sh HOST ATTESTATION COMMAND…
# Runs the command that adds the host to its pool, if the gate attested a PASS for it.
#   HOST             the id that the attestation has for it: an instance id (`instance-id.sh` prints
#                    that of this machine), or the name that the spec declares; no host name, no address
#   ROLE             the role it must have been gated for
#   ALLOWED_SIGNERS  whose attestations count (default /etc/portcullis/allowed_signers)
#   ACCEPT           what the gate may have left out or let pass, `no-sweep` for one (default nothing)
set -eu
host=$1 attestation=$2
shift 2
portcullis gate verify "$attestation" \
    --allowed-signers "${ALLOWED_SIGNERS:-/etc/portcullis/allowed_signers}" \
    --host "$host" --role "$ROLE" --max-age 15m --accept "${ACCEPT:-}"
exec "$@"
