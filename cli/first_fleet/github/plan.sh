#!/usr/bin/env bash
# Plans, and keeps what came of it in DIR: plan.json for tm apply, plan.md for the pull request.
#
#   plan.sh DIR
#
# tm plan ends with 0 or 2 when a plan was made. Any other code is a failure and stays one; plan.md says why.
set -euo pipefail

dir=${1:?usage: plan.sh DIR}
mkdir -p "$dir"

code=0
GITHUB_STEP_SUMMARY="$dir/plan.md" tm plan --format github --exit-code --out "$dir/plan.json" || code=$?
[ -s "$dir/plan.md" ] || echo "### Plan failed: tm ended with $code" >"$dir/plan.md"
cat "$dir/plan.md" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"

if [ "$code" -eq 2 ]; then
  exit 0 # there are differences, which is what a pull request is for
fi
exit "$code"
