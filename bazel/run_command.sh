#!/bin/sh
# The test that runs its arguments.
exec "$@"
