#!/usr/bin/env bash
# Looks at audit pages in a real browser, Debian's chromium without a window, at two widths and in two colour schemes: no
# message on the console, no request to anywhere, nothing wider than the screen, enough contrast, a table that sorts. Leaves
# screenshots in target/tmp/pages. Installs chromium if it is missing (some 300 MB, which is why tests/run.sh does not run this).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() { printf 'browser.sh: error: %s\n' "$1" >&2; exit 3; }
fail() { printf 'FAILED  %s: %s\n' "$1" "$2"; failed=1; }

find_browser() { browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome); }

install_browser() {
  local as_root=()
  ((EUID == 0)) || as_root=(sudo -n)
  printf 'installing chromium\n' >&2
  { "${as_root[@]}" apt-get -q update && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 \
    install -y --no-install-recommends chromium fonts-dejavu-core; } >&2 < /dev/null || die "chromium cannot be installed"
}

# visit PAGE WIDTH HEIGHT SCHEME [FLAG...]: opens a page; its console goes to $work/console, its requests to $work/net.json.
visit() {
  local page=$1 width=$2 height=$3 scheme=0
  [[ $4 == dark ]] || scheme=1
  rm -rf -- "$work/user" "$work/net.json"
  timeout 300 "$browser" --headless --disable-gpu --disable-quic --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$work/user" --enable-logging=stderr \
    --blink-settings=preferredColorScheme=$scheme --log-net-log="$work/net.json" --net-log-capture-mode=Everything \
    --window-size="$width,$height" ${sandbox[@]+"${sandbox[@]}"} "${@:5}" "file://$page" 2> "$work/console" ||
    { cat "$work/console" >&2; die "the browser did not open $page"; }
}

console() { grep -F ':CONSOLE' "$work/console" || :; }

# Every address that was asked for, but for what is in the page or on this machine's disk.
requests() {
  # The browser itself may ask its maker for things, whatever the flags: those are not the page's.
  grep -oE '"url":"(https?|wss?|ftp):[^"]*"' "$work/net.json" | grep -vE 'google(apis)?\.com|gvt1\.com' | sort -u || :
}

# A copy without the policy, with a script that measures the page and says so in its title.
probe() {
  grep -v 'http-equiv="Content-Security-Policy"' "$1"
  printf '<script>%s</script>\n' "$(< tests/page/probe.js)"
}

look_at() {
  local page=$1 name width scheme shot measured
  name=$(basename "$page" .html)
  for width in 360 1280; do
    for scheme in light dark; do
      shot=$folder/$name-$width-$scheme
      visit "$page" $width 2400 $scheme --screenshot="$shot.png" > /dev/null
      [[ -z $(console) ]] || fail "$shot" "$(console)"
      [[ -z $(requests) ]] || fail "$shot" "it asked for $(requests)"
      [[ -s $shot.png ]] || fail "$shot" "there is no picture"
      probe "$page" > "$work/probe.html"
      visit "$work/probe.html" $width 2400 $scheme --dump-dom > "$work/dom"
      measured=$(grep -oE '<title>[^<]*' "$work/dom" | head -n 1)
      [[ $measured == '<title>fine' ]] || fail "$shot" "${measured#<title>}"
      pages=$((pages + 1))
    done
  done
  # That the page's own policy lets its script in: the script has made buttons of the headings.
  visit "$page" 1280 2400 light --dump-dom > "$work/dom"
  ! grep -q '<table class="rows"' "$work/dom" || grep -q 'scope="col"><button' "$work/dom" || fail "$page" "its script did not run"
  # Thousands of rows on paper take the browser a minute, and show nothing that three do not.
  [[ $name != many ]] || return 0
  visit "$page" 1280 2400 light --print-to-pdf="$folder/$name.pdf" > /dev/null
  [[ -s $folder/$name.pdf ]] || fail "$page" "it does not print"
}

# A test that cannot fail is none: pages that do what none of ours may do have to be found out.
try_the_tests() {
  printf '<!DOCTYPE html><title>x</title><img src="http://127.0.0.1:9/x.png"><script>console.error("here")</script>' > "$work/bad.html"
  visit "$work/bad.html" 360 600 light --screenshot="$work/bad.png" > /dev/null
  [[ $(console) == *here* ]] || die "a message on the console is not seen"
  [[ $(requests) == *127.0.0.1:9* ]] || die "a request is not seen"
  printf '<!DOCTYPE html><title>x</title><p style="width:900px;color:#aaa;background:#fff">pale</p>' > "$work/bad.html"
  probe "$work/bad.html" > "$work/probe.html"
  visit "$work/probe.html" 360 600 light --dump-dom > "$work/dom"
  grep -q '<title>[^<]*wider[^<]*contrast' "$work/dom" || die "a page that is too wide and too pale is not seen: $(cat "$work/dom")"
}

find_browser || { install_browser; find_browser || die "chromium was not found"; }
sandbox=()
# The browser refuses to run as root with its sandbox.
((EUID != 0)) || sandbox=(--no-sandbox)
folder=$PWD/target/tmp/pages
rm -rf -- "$folder"
cargo test --locked -q --test page -- pages_are_written_for_a_browser > /dev/null
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
failed=0 pages=0
try_the_tests
for page in "$folder"/*.html; do
  look_at "$page"
done
((failed == 0)) || exit 1
printf '%s views of pages are as they should be; pictures are in %s\n' "$pages" "$folder"
