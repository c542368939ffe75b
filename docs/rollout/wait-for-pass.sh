#!/bin/sh
# wait-for-pass.sh ATTESTATION
# Asks every ten seconds, until the gate has attested a PASS for this host. It does not give up:
# whoever started it ends it, the unit by TimeoutStartSec=. Each no is told with its reason.
#   HOST                   the id that the attestation has for this host (default: the instance id)
#   ROLE, ALLOWED_SIGNERS  as for add-to-pool.sh
set -u
: "${ROLE:?the role it must have been gated for}"
attestation=$1
here=$(dirname "$0")
until host=${HOST:-$("$here/instance-id.sh")} && "$here/add-to-pool.sh" "$host" "$attestation" true
do
    sleep 10
done
