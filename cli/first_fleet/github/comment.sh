#!/usr/bin/env bash
# Shows FILE in one comment of a pull request: written the first time, replaced ever after.
#
#   comment.sh PULL_REQUEST FILE
#
# The comment is found by its first line, among those of TM_AUTHOR (GitHub's own account of a workflow).
# Needs gh, jq, GH_TOKEN and GITHUB_REPOSITORY.
set -euo pipefail

pull=${1:?usage: comment.sh PULL_REQUEST FILE}
file=${2:?usage: comment.sh PULL_REQUEST FILE}
marker='<!-- tm plan -->'
author=${TM_AUTHOR:-github-actions[bot]}

body=$(mktemp)
trap 'rm -f "$body"' EXIT
{
  echo "$marker"
  cat "$file"
} >"$body"

ids=$(
  gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$pull/comments?per_page=100" |
    jq -r --arg marker "$marker" --arg author "$author" \
      '.[] | select(.user.login == $author and (.body | startswith($marker))) | .id'
)
id=${ids%%$'\n'*}

if [ -n "$id" ]; then
  gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" -F "body=@$body" >/dev/null
  echo "updated comment $id"
else
  gh api --method POST "repos/$GITHUB_REPOSITORY/issues/$pull/comments" -F "body=@$body" >/dev/null
  echo "wrote a comment"
fi
