# GitLab's API for the scripts beside this one, which source it.
#
# Needs curl and jq; CI_API_V4_URL and CI_PROJECT_ID come from the pipeline. TM_GITLAB_TOKEN is a project access
# token with the scope api; it is read from a file descriptor, so that no list of processes shows it.
# shellcheck shell=bash

api() { # api METHOD PATH [CURL OPTIONS...]
  local method=$1 path=$2
  shift 2
  curl --silent --show-error --fail-with-body --request "$method" \
    --header @<(printf 'PRIVATE-TOKEN: %s' "$TM_GITLAB_TOKEN") "$@" "$CI_API_V4_URL/$path"
}

api_pages() { # api_pages PATH: every page of a list, one array after the other
  local page=1 items separator='?'
  [[ $1 == *\?* ]] && separator='&'
  while items=$(api GET "$1${separator}per_page=100&page=$page") && [ "$(jq length <<<"$items")" -gt 0 ]; do
    printf '%s\n' "$items"
    page=$((page + 1))
  done
  jq -e 'type == "array"' <<<"$items" >/dev/null # what ended the loop was the end of the list, not a failure
}

first_line() { # first_line TEXT
  printf '%s' "${1%%$'\n'*}"
}
