#!/usr/bin/env bash
# Plans a merge request, keeps plan.json for tm apply, and shows the plan in one note of the merge request.
#
# tm plan ends with 0 or 2 when a plan was made. Any other code is a failure and stays one; the note says why.
set -euo pipefail
# shellcheck source=gitlab.sh
source "$(dirname "$0")/gitlab.sh"

marker='<!-- tm plan -->'
body=$(mktemp)
trap 'rm -f "$body"' EXIT

code=0
{
  echo "$marker"
  tm plan --format markdown --exit-code --out plan.json
} >"$body" || code=$?
cat "$body"

notes=projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes
me=$(api GET user | jq -r .id)
listed=$(api_pages "$notes")
ids=$(
  jq -r --arg marker "$marker" --argjson me "$me" \
    '.[] | select(.author.id == $me and (.body | startswith($marker))) | .id' <<<"$listed"
)
id=$(first_line "$ids")
if [ -n "$id" ]; then
  api PUT "$notes/$id" --data-urlencode "body@$body" >/dev/null
else
  api POST "$notes" --data-urlencode "body@$body" >/dev/null
fi

if [ "$code" -eq 2 ]; then
  exit 0 # there are differences, which is what a merge request is for
fi
exit "$code"
