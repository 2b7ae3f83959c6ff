#!/usr/bin/env bash
# Keeps one issue about drift: opened when somebody changed the account by hand, closed when all is well.
#
#   drift.sh
#
# tm drift ends with 2 when there is drift. Any code but 0 and 2 is a failure and leaves the issue alone.
# Needs gh, jq, GH_TOKEN and GITHUB_REPOSITORY.
set -euo pipefail

marker='<!-- tm drift -->'
author=${TM_AUTHOR:-github-actions[bot]}
title='The Twilio account was changed by hand'
body=$(mktemp)
trap 'rm -f "$body"' EXIT

code=0
{
  echo "$marker"
  tm drift --format markdown --exit-code
} >"$body" || code=$?
cat "$body" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
if [ "$code" -ne 0 ] && [ "$code" -ne 2 ]; then
  echo "::error title=Drift is not known::tm drift ended with $code"
  exit "$code"
fi

numbers=$(
  gh api --paginate "repos/$GITHUB_REPOSITORY/issues?state=open&per_page=100" |
    jq -r --arg marker "$marker" --arg author "$author" \
      '.[] | select(.pull_request == null and .user.login == $author)
           | select(.body // "" | startswith($marker)) | .number'
)
number=${numbers%%$'\n'*}

if [ "$code" -eq 0 ] && [ -n "$number" ]; then
  gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/$number" -f state=closed >/dev/null
  echo "no drift any more: closed issue $number"
elif [ "$code" -eq 0 ]; then
  echo "no drift"
elif [ -n "$number" ]; then
  gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/$number" -F "body=@$body" >/dev/null
  echo "updated issue $number"
else
  gh api --method POST "repos/$GITHUB_REPOSITORY/issues" -f "title=$title" -F "body=@$body" >/dev/null
  echo "opened an issue"
fi
