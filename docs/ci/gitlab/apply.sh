#!/usr/bin/env bash
# Applies exactly the plan that was reviewed: the one saved by the merge request that became this commit.
#
# TM_ALLOW lifts safety limits for this plan, such as "updates=42 hosts=1".
set -euo pipefail
# shellcheck source=gitlab.sh
source "$(dirname "$0")/gitlab.sh"

project=projects/$CI_PROJECT_ID

fail() {
  echo "error: $1; run tm apply by hand" >&2
  exit 1
}

requests=$(api GET "$project/repository/commits/$CI_COMMIT_SHA/merge_requests")
request=$(jq -r 'map(select(.state == "merged")) | first | .iid // empty' <<<"$requests")
[ -n "$request" ] || fail "$CI_COMMIT_SHA did not come from a merge request"

pipelines=$(api GET "$project/merge_requests/$request/pipelines")
pipeline=$(jq -r 'map(select(.status == "success")) | first | .id // empty' <<<"$pipelines")
[ -n "$pipeline" ] || fail "merge request $request has no successful pipeline"

jobs=$(api GET "$project/pipelines/$pipeline/jobs?per_page=100")
job=$(jq -r 'map(select(.name == "tm-plan")) | first | .id // empty' <<<"$jobs")
[ -n "$job" ] || fail "pipeline $pipeline did not plan"
api GET "$project/jobs/$job/artifacts/plan.json" --output plan.json

read -ra limits <<<"${TM_ALLOW:-}"
options=()
for limit in "${limits[@]}"; do
  options+=(--allow "$limit")
done

code=0
tm apply plan.json "${options[@]}" || code=$?
case $code in
  0) ;;
  3) echo "some numbers failed, the others are done: run this job again for the rest" >&2 ;;
  4) echo "stale: something changed since the review; plan again in a new merge request" >&2 ;;
  5) echo "over a safety limit: run this job again with TM_ALLOW set to what it may do" >&2 ;;
  *) echo "not applied: tm ended with $code" >&2 ;;
esac
exit "$code"
