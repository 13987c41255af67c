#!/usr/bin/env bash
# Looks at audit pages in a real browser, Debian's chromium without a window, at two widths and in two colour schemes: no
# message on the console, no request to anywhere, nothing wider than the screen, no word broken, no title clipped, enough contrast,
# a table that sorts. Prints them and reads the paper: headers on each page of the big table, no heading alone at a page's foot, no
# time in pieces. Leaves pictures in target/tmp/pages. Installs chromium and pdftotext if they are missing (some 300 MB, which is why
# tests/run.sh does not run this).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() { printf 'browser.sh: error: %s\n' "$1" >&2; exit 3; }
fail() { printf 'FAILED  %s: %s\n' "$1" "$2"; failed=1; }

find_browser() { browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome); }

# install PACKAGE...: as tests and people do, by apt.
install() {
  local as_root=()
  ((EUID == 0)) || as_root=(sudo -n)
  printf 'installing %s\n' "$*" >&2
  { "${as_root[@]}" apt-get -q update && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 \
    install -y --no-install-recommends "$@"; } >&2 < /dev/null || die "cannot be installed: $*"
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
  for width in 390 1280; do
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
  # That the page's own policy lets its script in: the script has laid buttons over the headings.
  visit "$page" 1280 2400 light --dump-dom > "$work/dom"
  ! grep -q '<table class="rows' "$work/dom" || grep -q 'aria-label="Sort by Build"></button>' "$work/dom" ||
    fail "$page" "its script did not run"
  # Thousands of rows on paper take the browser a minute, and show nothing that a hundred do not.
  [[ $name != many ]] || return 0
  visit "$page" 1280 2400 light --no-pdf-header-footer --print-to-pdf="$folder/$name.pdf" > /dev/null
  [[ -s $folder/$name.pdf ]] || { fail "$page" "it does not print"; return; }
  headings "$page" > "$work/headings"
  read_paper "$folder/$name.pdf" "$work/headings"
}

# The headings of a page, one a line.
headings() {
  tr '\n' ' ' < "$1" | grep -oE '<h[234][^>]*>[^/]*(</?bdi>[^<]*)*</h[234]>|<caption><span>[^<]*' | sed -E 's/<[^>]*>//g; s/&#[0-9]+;/./g; s/ +/ /g'
}

# read_paper PDF HEADINGS: each page's text.
read_paper() {
  local pdf=$1 headings=$2 name pages page last rows=0
  name=$(basename "$pdf")
  pages=$(pdfinfo "$pdf" | awk '$1 == "Pages:" { print $2 }')
  for ((page = 1; page <= pages; page++)); do
    pdftotext -layout -f "$page" -l "$page" "$pdf" "$work/paper"
    last=$(tr -d '\f' < "$work/paper" | sed 's/^ *//; s/ *$//' | grep -v '^$' | tail -n 1)
    ! grep -qxF -- "$last" "$headings" || fail "$name" "page $page ends with the heading \"$last\""
    # The big table stands on pages of its own, and each begins with the header.
    if grep -qE '^ *All abnormal builds$' "$work/paper"; then rows=1; fi
    ! grep -qE '^ *The files behind this page$' "$work/paper" || rows=0
    if ((rows)); then
      grep -qE 'Build +Timing .*Rules +What was seen +State +Queued +Started' "$work/paper" ||
        grep -q 'The report names no build' "$work/paper" || fail "$name" "page $page of the big table has no header"
      ! grep -qE 'Fingerprint|Output stored' "$work/paper" || fail "$name" "page $page has columns that are for the screen alone"
      # A date is whole, and so is a time of day.
      ! grep -qE '(^| )20[0-9]{2}-([0-9]{2}-?)?( |$)|(^| )[0-9]{2}:[0-9]{2}:( |$)' "$work/paper" || fail "$name" "page $page has times in pieces"
    fi
  done
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
  printf '<!DOCTYPE html><title>x</title><table style="width:2em;table-layout:fixed"><tr><td style="overflow-wrap:anywhere">deleted</table>' > "$work/bad.html"
  probe "$work/bad.html" > "$work/probe.html"
  visit "$work/probe.html" 390 600 light --dump-dom > "$work/dom"
  grep -q '<title>[^<]*broken' "$work/dom" || die "a broken word is not seen: $(cat "$work/dom")"
  printf '<!DOCTYPE html><title>x</title><div style="height:60mm"></div><h2>Alone</h2><div style="break-before:page">x</div>' > "$work/bad.html"
  visit "$work/bad.html" 1280 600 light --no-pdf-header-footer --print-to-pdf="$work/bad.pdf" > /dev/null
  headings "$work/bad.html" > "$work/headings"
  [[ $(failed=0; read_paper "$work/bad.pdf" "$work/headings") == *Alone* ]] || die "a heading alone at a page's foot is not seen"
}

find_browser || { install chromium fonts-dejavu-core; find_browser || die "chromium was not found"; }
command -v pdftotext > /dev/null || install poppler-utils
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
