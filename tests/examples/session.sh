# Makes a shell behave as a reader's terminals do: a server started here runs in the background, as in a second terminal.
# Expects SECONDLOOK_PORT, and NODE_MODULES_BIN if there is Node.
SERVER=
stop_server() {
  if [ -n "$SERVER" ]; then kill -INT "$SERVER" 2>/dev/null; wait "$SERVER" 2>/dev/null; SERVER=; fi
  return 0
}
await_server() {
  for _ in $(seq 900); do
    if command curl -s -o "$HOME/health" "http://127.0.0.1:$SECONDLOOK_PORT/health"; then cat "$1"; return 0; fi
    kill -0 "$SERVER" 2>/dev/null || break
    sleep 0.1
  done
  cat "$1" >&2
  return 1
}
in_background() {
  local said; said=$(mktemp)
  stop_server
  "$@" >"$said" 2>&1 &
  SERVER=$!
  await_server "$said"
}
ensure_server() { [ -n "$SERVER" ] || in_background command secondlook serve; }
secondlook() {
  if [ "${1:-}" = serve ] || { [ "${1:-}" = demo ] && [[ " $* " != *" --once "* ]]; }; then
    in_background command secondlook "$@"
  else
    command secondlook "$@"
  fi
}
make() {
  if [ "${1:-}" != demo ]; then echo "only make demo is an example" >&2; return 2; fi
  local flags=; [[ "${2:-}" != DEMO_FLAGS=* ]] || flags=${2#DEMO_FLAGS=}
  secondlook demo $flags
}
npx() { local name=$1; shift; "$NODE_MODULES_BIN/$name" "$@"; }
trap stop_server EXIT
