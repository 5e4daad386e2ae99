#!/bin/sh
# On a schedule: is the engine still as the last release left it?
#
#   STACK              the stack's folder, or its name where the files are not at hand (default: .)
#   DROVER_ADDR, …     the engine, as for every command
#
# Ends with 2 when something has drifted.
set -eu
: "${STACK:=.}" "${DROVER:=drover}"

code=0
"$DROVER" drift "$STACK" || code=$?
if [ "$code" -eq 2 ]; then
  echo "::warning title=drift::the engine is not as the last release left it"
fi
exit "$code"
