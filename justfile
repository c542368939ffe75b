# Shortcuts; everything works without `just` too.

# What a change must pass.
test:
    ./test

# The same without the AWS SDKs.
core:
    ./test core

# The whole of CI, with nothing skipped.
ci:
    bash .ci/run

# Replays an incident with real sockets on loopback.
demo *args:
    cargo demo {{args}}

# Rewrites snapshots and published schemas from what the code does now. Read the diff.
bless:
    INSTA_UPDATE=always cargo test --no-default-features

# Quick checks while writing.
check:
    cargo check --no-default-features --all-targets
