#!/usr/bin/env bash
# Keeps one issue about drift: opened when somebody changed the account by hand, closed when all is well.
#
# tm drift ends with 2 when there is drift. Any code but 0 and 2 is a failure and leaves the issue alone.
set -euo pipefail
# shellcheck source=gitlab.sh
source "$(dirname "$0")/gitlab.sh"

marker='<!-- tm drift -->'
title='The Twilio account was changed by hand'
issues=projects/$CI_PROJECT_ID/issues
body=$(mktemp)
trap 'rm -f "$body"' EXIT

code=0
{
  echo "$marker"
  tm drift --format markdown --exit-code
} >"$body" || code=$?
cat "$body"
if [ "$code" -ne 0 ] && [ "$code" -ne 2 ]; then
  echo "drift is not known: tm drift ended with $code" >&2
  exit "$code"
fi

me=$(api GET user | jq -r .id)
listed=$(api_pages "$issues?state=opened")
numbers=$(
  jq -r --arg marker "$marker" --argjson me "$me" \
    '.[] | select(.author.id == $me and (.description // "" | startswith($marker))) | .iid' <<<"$listed"
)
number=$(first_line "$numbers")

if [ "$code" -eq 0 ] && [ -n "$number" ]; then
  api PUT "$issues/$number" --data-urlencode "state_event=close" >/dev/null
  echo "no drift any more: closed issue $number"
elif [ "$code" -eq 0 ]; then
  echo "no drift"
elif [ -n "$number" ]; then
  api PUT "$issues/$number" --data-urlencode "description@$body" >/dev/null
  echo "updated issue $number"
else
  api POST "$issues" --data-urlencode "title=$title" --data-urlencode "description@$body" >/dev/null
  echo "opened an issue"
fi
