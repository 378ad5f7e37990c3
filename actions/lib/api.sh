# shellcheck shell=bash
# What the actions share: calls of the API with curl, answers read with jq, both of which every runner of
# GitHub has. Sourced by a step whose inputs are in INPUT_…; where one is empty, the job's environment counts,
# which setup-coppice fills.

# What fails within $(…) ends the step, too. Older than bash 4.4 is only macOS' own.
shopt -s inherit_errexit 2>/dev/null || true

NEON_API_HOST=${INPUT_API_HOST:-${NEON_API_HOST:-}}
NEON_API_KEY=${INPUT_API_KEY:-${NEON_API_KEY:-}}
PROJECT_ID=${INPUT_PROJECT_ID:-${NEON_PROJECT_ID:-}}

# Ends the step with a message that GitHub shows on the run's page, from stderr as well: stdout may be read.
fail() {
  echo "::error::$1" >&2
  exit 1
}

# Keeps a value out of the log from here on.
mask() {
  [ -z "$1" ] || echo "::add-mask::$1"
}

# set_output NAME VALUE; the value may have lines.
set_output() {
  local delimiter
  delimiter="end-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')"
  printf '%s<<%s\n%s\n%s\n' "$1" "$delimiter" "$2" "$delimiter" >>"$GITHUB_OUTPUT"
}

# request URL TOKEN METHOD [JSON]: the answer's body. Tries again where the answer says that this is safe.
request() {
  local url=$1 token=$2 method=$3 body=${4-} answer status attempt
  local data=()
  [ -z "$body" ] || data=(--header 'Content-Type: application/json' --data "$body")
  for attempt in 1 2 3 4 5; do
    # The token by a file descriptor: arguments can be read by every process of the machine.
    answer=$(curl --silent --show-error --max-time 120 --request "$method" --write-out '\n%{http_code}' \
      --config <(printf 'header = "Authorization: Bearer %s"\n' "$token") \
      ${data[@]+"${data[@]}"} "$url") || fail "$method $url: no answer"
    status=${answer##*$'\n'}
    answer=${answer%$'\n'*}
    case $status in
      2??) printf '%s' "$answer" && return ;;
      423 | 429 | 503) [ "$attempt" = 5 ] || sleep 3 ;;
      *) break ;;
    esac
  done
  fail "$method $url: $(jq -r '.message // empty' <<<"$answer" 2>/dev/null) (HTTP $status)"
}

# api METHOD PATH [JSON]: a call of Coppice's API, or of Neon's.
api() {
  request "${NEON_API_HOST%/}$2" "$NEON_API_KEY" "$1" "${3-}"
}

# A value as a part of a URL.
encode() {
  jq -rn --arg value "$1" '$value | @uri'
}

# Refuses to go on without what every call needs; finds the project where it is the only one.
require_project() {
  [ -n "$NEON_API_HOST" ] || fail 'no api_host: give it, or use setup-coppice before'
  [ -n "$NEON_API_KEY" ] || fail 'no api_key: give it, or use setup-coppice before'
  mask "$NEON_API_KEY"
  [ -z "$PROJECT_ID" ] || return 0
  local projects
  projects=$(api GET '/projects?limit=2')
  [ "$(jq '.projects | length' <<<"$projects")" = 1 ] || fail 'give project_id: there is not exactly one project'
  PROJECT_ID=$(jq -r '.projects[0].id' <<<"$projects")
}

# find_branch NAME_OR_ID: the branch as JSON, or nothing.
find_branch() {
  api GET "/projects/$PROJECT_ID/branches?limit=10000&search=$(encode "$1")" |
    jq -c --arg wanted "$1" 'first(.branches[] | select(.id == $wanted or .name == $wanted)) // empty'
}

# The same, of a branch that has to be there.
require_branch() {
  local branch
  branch=$(find_branch "$1")
  [ -n "$branch" ] || fail "no branch $1 in project $PROJECT_ID"
  printf '%s' "$branch"
}

# connection_uri BRANCH_ID ROLE DATABASE POOLED
connection_uri() {
  local query
  query="branch_id=$1&role_name=$(encode "$2")&database_name=$(encode "$3")&pooled=$4"
  api GET "/projects/$PROJECT_ID/connection_uri?$query" | jq -r .uri
}

# set_connection_outputs BRANCH_ID ROLE DATABASE PRISMA: db_url, db_url_pooled, host, host_pooled, password.
set_connection_outputs() {
  local password endpoint url url_pooled
  password=$(api GET "/projects/$PROJECT_ID/branches/$1/roles/$(encode "$2")/reveal_password" | jq -r .password)
  url=$(connection_uri "$1" "$2" "$3" false)
  url_pooled=$(connection_uri "$1" "$2" "$3" true)
  if [ "$4" = true ]; then
    url="$url&connect_timeout=30"
    url_pooled="$url_pooled&connect_timeout=30&pool_timeout=30&pgbouncer=true"
  fi
  mask "$password"
  mask "$url"
  mask "$url_pooled"
  endpoint=$(api GET "/projects/$PROJECT_ID/branches/$1/endpoints" |
    jq -c 'first(.endpoints[] | select(.type == "read_write"))')
  set_output db_url "$url"
  set_output db_url_pooled "$url_pooled"
  set_output host "$(jq -r .host <<<"$endpoint")"
  set_output host_pooled "$(jq -r '.id as $id | .host | sub($id; $id + "-pooler")' <<<"$endpoint")"
  set_output password "$password"
}
