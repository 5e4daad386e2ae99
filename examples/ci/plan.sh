#!/bin/sh
# On a pull request: plans, saves the plan for apply.sh, and writes a comment.
#
#   STACK              the stack's folder (default: .)
#   PLAN               where the plan is saved (default: drover.plan)
#   COMMENT            where the comment is written, as Markdown (default: drover-plan.md)
#   DROVER_ADDR, …     the engine, as for every command
#   PLAN_RECIPIENT     an age recipient: the plan is encrypted to it, since artifacts are readable by many
#
# Ends with 0 when there is a plan, with changes or not; with 6 when a mandatory policy refuses it.
set -eu
: "${STACK:=.}" "${PLAN:=drover.plan}" "${COMMENT:=drover-plan.md}" "${DROVER:=drover}"

set -- plan -markdown -detailed-exitcode "-out=$PLAN"
[ -z "${PLAN_RECIPIENT:-}" ] || set -- "$@" "-encrypt-to=$PLAN_RECIPIENT"

code=0
"$DROVER" "$@" "$STACK" > "$COMMENT" || code=$?
case $code in
  0) changes=false ;;
  2) changes=true ;;
  *) cat "$COMMENT" >&2; exit "$code" ;;
esac
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || cat "$COMMENT" >> "$GITHUB_STEP_SUMMARY"
[ -z "${GITHUB_OUTPUT:-}" ] || echo "changes=$changes" >> "$GITHUB_OUTPUT"
echo "changes=$changes"
