#!/bin/sh
# On a merge: applies exactly the plan that was reviewed.
#
#   PLAN               the saved plan (default: drover.plan)
#   DROVER_ADDR, …     the engine, as for every command
#   PLAN_IDENTITY      the file with the age identity that opens an encrypted plan
#
# Secrets are not in the plan: the variables and providers that plan.sh had are needed here too. Ends as `drover apply` does: 5 means
# that something has changed since the plan was made, and that nothing was written.
set -eu
: "${PLAN:=drover.plan}" "${DROVER:=drover}"

set -- apply -ci -on-failure=revert -lock-timeout=10m
[ -z "${PLAN_IDENTITY:-}" ] || set -- "$@" "-identity=$PLAN_IDENTITY"

code=0
"$DROVER" "$@" "$PLAN" || code=$?
if [ "$code" -eq 5 ]; then
  echo "::error title=stale plan::the engine has changed since the plan was reviewed; run the plan again"
fi
exit "$code"
