#!/usr/bin/env bash
# Applies exactly the plan that was reviewed: the one saved for the pull request that became this commit.
#
#   apply.sh
#
# TM_ALLOW lifts safety limits for this plan, such as "updates=42 hosts=1".
# Needs gh, jq, GH_TOKEN, GITHUB_REPOSITORY and GITHUB_SHA; TM_WORKFLOW is the file that planned (tm.yml).
set -euo pipefail

workflow=${TM_WORKFLOW:-tm.yml}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
  echo "::error title=$1::$2"
  exit 1
}

head=$(
  gh api "repos/$GITHUB_REPOSITORY/commits/$GITHUB_SHA/pulls" |
    jq -r 'map(select(.merged_at != null)) | first | .head.sha // empty'
)
[ -n "$head" ] || fail "No reviewed plan" "$GITHUB_SHA did not come from a pull request; run tm apply by hand"

run=$(
  gh run list --repo "$GITHUB_REPOSITORY" --workflow "$workflow" --commit "$head" --event pull_request \
    --status success --limit 1 --json databaseId |
    jq -r 'first | .databaseId // empty'
)
[ -n "$run" ] || fail "No reviewed plan" "no successful plan of $head; run tm apply by hand"
gh run download "$run" --repo "$GITHUB_REPOSITORY" --name tm-plan --dir "$dir"

read -ra limits <<<"${TM_ALLOW:-}"
options=()
for limit in "${limits[@]}"; do
  options+=(--allow "$limit")
done

code=0
tm apply "$dir/plan.json" --format github "${options[@]}" || code=$?
case $code in
  0) ;;
  3) echo "::error title=Some numbers failed::the others are done; run this job again for the rest" ;;
  4) echo "::error title=Stale plan::something changed since the review; plan again in a new pull request" ;;
  5) echo "::error title=Over a safety limit::run this workflow by hand and name what it may do" ;;
  *) echo "::error title=Not applied::tm ended with $code" ;;
esac
exit "$code"
