#!/usr/bin/env bash
# Runs both commands of the README on a machine that has nothing: a bare Debian or Ubuntu (debootstrap, minbase) in a folder, with the
# toolchain mounted read-only. `user` has no sudo; root installs what the hint of the first try names, and nothing more.
# Needs root, unshare (util-linux), debootstrap, and some 4 GB in TMPDIR (/var/tmp by default). Takes packages, crates and certificates
# from where this machine takes them. All of it is removed at the end; what a command leaves running or lying about is a failure.
# shellcheck disable=SC2016,SC2317,SC2329 # functions are called by their names
set -euo pipefail

usage="usage: bare.sh [user | root]
  user  the demo and the tests, as a user without sudo
  root  the demo, as root
  Without an argument: both, one after the other."
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf 'bare.sh: %s\n' "$*" >&2; }
die() {
  printf 'bare.sh: error: %s\n' "$1" >&2
  [[ -z ${2-} ]] || printf 'bare.sh: hint: %s\n' "$2" >&2
  exit "${3:-1}"
}

# ---- Outside: the folder, and what is needed ---------------------------------------------------------------------------

check_needs() {
  local program
  ((EUID == 0)) || die "this needs root, for mounts" "the tests themselves do not: tests/run.sh" 3
  for program in unshare setpriv debootstrap chroot tar flock; do
    command -v "$program" > /dev/null || die "$program is missing" "apt-get install debootstrap util-linux coreutils tar" 3
  done
  command -v cargo > /dev/null || PATH=$PATH:${CARGO_HOME:-${HOME-}/.cargo}/bin
  toolchain=$(cd "$repository" && rustc --print sysroot) || die "rustc was not found" "install a Rust toolchain (1.88 or later)" 3
  [[ -x $toolchain/bin/cargo && $toolchain != /usr ]] ||
    die "$toolchain holds no toolchain that can be mounted elsewhere" "use one of rustup's" 3
  . /etc/os-release
  codename=${VERSION_CODENAME-}
  mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' 2> /dev/null |
    awk -v codename="$codename" '$1 == codename { print $2; exit }')
  [[ -n $codename && -n $mirror ]] || die "apt's sources name no archive of this system" "this is for Debian and Ubuntu" 3
}

# make_folder: $work, which is locked as long as this process lives. What a killed run has left is removed first.
make_folder() {
  local parent=${TMPDIR:-/var/tmp} old
  while read -r old; do
    (flock -n 8 && remove "$old") 8< "$old" || :
  done < <(find "$parent" -mindepth 1 -maxdepth 1 -name 'halfbuilt-bare.??????' -type d -user 0 -mmin +1)
  work=$(mktemp -d "$parent/halfbuilt-bare.XXXXXX") || die "cannot make a folder in $parent"
  inside=''
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  exec 9< "$work"
  flock 9
}

# A signal ends the waiting. The folder is removed when all that is inside has ended, and a second signal does not keep it from that.
clean_up() {
  local status=$?
  trap '' INT TERM HUP
  set +e
  if [[ -n $inside ]]; then
    kill -KILL "$inside"
    wait "$inside"
  fi 2> /dev/null
  remove "$work"
  exit "$status"
}

# Nothing is mounted in the folder here, whatever went on inside: the mounts are in a namespace of their own, which is gone. Should that
# ever be wrong, the folder is left and no file of the machine is touched.
remove() {
  if grep -qF " $1/" /proc/self/mountinfo; then
    say "warning: something is mounted under $1, so it is left there"
    return 1
  fi
  rm -rf --one-file-system -- "$1"
}

# in_namespace FUNCTION ARGUMENT...: runs a function of this script with mounts and processes of its own. They go with this process.
in_namespace() {
  setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child=KILL --propagation private \
    bash "$repository/tests/bare.sh" --inside "$work" "$toolchain" "$codename" "$mirror" "$@" 9>&- &
  inside=$!
  local status=0
  wait "$inside" || status=$?
  inside=''
  return "$status"
}

# ---- Inside: the root ---------------------------------------------------------------------------------------------------

make_root() {
  local root=$work/bare file
  say "making a bare $codename"
  debootstrap --variant=minbase "$codename" "$root" "$mirror" > "$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; die "debootstrap failed"; }
  # Packages come from where this machine has them from.
  rm -rf -- "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/*
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}; do
    [[ ! -f $file ]] || ! grep -qw -- "$codename" "$file" || install -D -m 644 "$file" "$root$file"
  done
  for file in /usr/share/keyrings /etc/apt/keyrings /etc/apt/trusted.gpg.d; do
    [[ ! -d $file ]] || { mkdir -p "$root$file" && cp -aL "$file/." "$root$file/"; }
  done
  apt-config dump | grep '^Acquire::' | grep -v '^Acquire::IndexTargets' > "$root/etc/apt/apt.conf.d/90host"
  printf 'APT::Get::Assume-Yes "true";\n' > "$root/etc/apt/apt.conf.d/91bare"
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/" 2> /dev/null || :
  if [[ -e $(certificates) ]]; then
    install -D -m 644 "$(certificates)" "$root/etc/ssl/host.pem"
    printf 'Acquire::https::CaInfo "/etc/ssl/host.pem";\n' >> "$root/etc/apt/apt.conf.d/90host"
  fi
  chroot "$root" useradd -m -s /bin/bash user
  mkdir -p "$root/opt/toolchain" "$work/user" "$work/root"
}

certificates() { printf %s "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}"; }

# give_source USER: a copy of the working tree, without what was built, and the settings of cargo.
give_source() {
  local home file
  home=$(home_of "$1")
  mkdir -p "$root$home/halfbuilt" "$root$home/.cargo"
  tar -C "$repository" --exclude=./target --exclude=./.git -c . | tar -C "$root$home/halfbuilt" -x --no-same-owner
  for file in "${CARGO_HOME:-${HOME-}/.cargo}"/config{,.toml}; do
    [[ ! -f $file ]] || cp -L "$file" "$root$home/.cargo/"
  done
  chroot "$root" chown -R "$1:" "$home"
}

home_of() { awk -F: -v user="$1" '$1 == user { print $6 }' "$root/etc/passwd"; }

mount_all() {
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
  mount --bind "$toolchain" "$root/opt/toolchain"
  mount -o remount,bind,ro "$root/opt/toolchain"
}

# as USER COMMAND: a line of shell, in the source, with the environment of a fresh login.
as() {
  local home environment=() name
  home=$(home_of "$1")
  # How to reach the registries; no secrets.
  for name in $(compgen -e | grep -E '^((https?|no|all)_proxy|(HTTPS?|NO|ALL)_PROXY|CARGO_(HTTP|NET|REGISTR(Y|IES)|SOURCE)_[A-Z0-9_]*)$' |
    grep -vE 'TOKEN|CREDENTIAL'); do
    environment+=("$name=${!name}")
  done
  [[ ! -e $root/etc/ssl/host.pem ]] || environment+=(SSL_CERT_FILE=/etc/ssl/host.pem CARGO_HTTP_CAINFO=/etc/ssl/host.pem)
  chroot --userspec="$1:$(chroot "$root" id -g "$1")" --groups= "$root" /usr/bin/env -i HOME="$home" USER="$1" LOGNAME="$1" SHELL=/bin/bash \
    TERM=dumb LANG=C.UTF-8 PATH=/opt/toolchain/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \
    ${environment[@]+"${environment[@]}"} bash -c "cd ~/halfbuilt && $2" < /dev/null
}

# ---- Inside: the commands, and what they leave ----------------------------------------------------------------------------

# run USER COMMAND: runs a command of the README and says how it ended.
run() {
  local began=$SECONDS status=0
  say "as $1: $2"
  as "$1" "$2" || status=$?
  printf 'bare.sh: as %s: %s: exit code %d after %d min %d s\n' "$1" "$2" "$status" $(((SECONDS - began) / 60)) $(((SECONDS - began) % 60))
  ((status == 0)) || failures+=("$2 failed as $1 (exit code $status)")
  nothing_runs
}

nothing_runs() {
  local process number line
  # What ends with a pipe needs a moment.
  sleep 3
  for process in "$root"/proc/[0-9]*; do
    number=${process##*/}
    line=$(tr '\0' ' ' < "$process/cmdline" 2> /dev/null) || continue
    [[ $number == 1 || -z $line || $(readlink "$process/root") != "$root" ]] || failures+=("left running: $number $line")
  done
}

sources() { (cd "$root$(home_of "$1")/halfbuilt" && find . -path ./target -prune -o -print | LC_ALL=C sort); }

# Only what the README says is left: the cache, target/, and cargo's own.
nothing_lies_about() {
  local home left
  home=$(home_of "$1")
  left=$(cd "$root" && find tmp var/tmp dev/shm -mindepth 1)
  [[ -z $left ]] || failures+=("left in /tmp, /var/tmp or /dev/shm: $left")
  left=$(cd "$root$home" && find . -mindepth 1 -maxdepth 1 ! -name '.bash*' ! -name .profile ! -name .cargo ! -name .cache ! -name halfbuilt)
  left+=$(cd "$root$home" && [[ ! -d .cache ]] || find .cache -mindepth 1 -maxdepth 1 ! -name halfbuilt)
  [[ -z $left ]] || failures+=("left in the home folder: $left")
  left=$(diff <(printf '%s\n' "$2") <(sources "$1")) || failures+=("left in the source: $left")
  say "in /tmp: $(ls -A "$root/tmp" | wc -l) files; in $home:"
  (cd "$root$home" && du -shx .cache .cargo halfbuilt/target 2> /dev/null) >&2 || :
}

# What the README tells a user without sudo to ask root for, by the script's own words.
bring_compiler() {
  local said command
  said=$(as user fixtures/demo.sh 2>&1) && die "the demo passed without a C compiler, which cannot be" "$said"
  command=$(sed -n 's/^install.sh: hint: as root: //p' <<< "$said")
  if [[ $command != 'apt-get update && apt-get install --no-install-recommends gcc libc6-dev' ]]; then
    printf '%s\n' "$said" >&2
    die "the hint for a missing compiler is not what root has to bring: $command"
  fi
  say "root brings it: $command"
  chroot "$root" /usr/bin/env DEBIAN_FRONTEND=noninteractive bash -c "$command" > "$work/log" 2>&1 < /dev/null ||
    { tail -n 20 "$work/log" >&2; die "the compiler could not be installed"; }
  rm -rf -- "${root:?}/tmp"/* "${root:?}/var/tmp"/*
}

# commands_of USER: all that is tried as this user, in a copy of the bare root that is its own.
commands_of() {
  local before
  root=$work/$1
  cp -a "$work/bare/." "$root/"
  mount_all
  give_source "$1"
  failures=()
  before=$(sources "$1")
  if [[ $1 == user ]]; then
    bring_compiler
    run user fixtures/demo.sh
    run user tests/run.sh
  else
    run root fixtures/demo.sh
  fi
  nothing_lies_about "$1" "$before"
  ((${#failures[@]} > 0)) || return 0
  printf 'bare.sh: FAILED: %s\n' "${failures[@]}" >&2
  return 1
}

# ---- The story ------------------------------------------------------------------------------------------------------------

main() {
  local who status=0
  case ${1-} in
    --inside) work=$2 toolchain=$3 codename=$4 mirror=$5; shift 5; "$@"; exit ;;
    '') set -- user root ;;
    user | root) (($# == 1)) || die "unknown argument: $2" "$usage" 2 ;;
    -h | --help) printf '%s\n' "$usage"; exit 0 ;;
    *) die "unknown argument: $1" "$usage" 2 ;;
  esac
  check_needs
  make_folder
  in_namespace make_root
  for who in "$@"; do
    in_namespace commands_of "$who" || status=1
  done
  exit "$status"
}

# One line: bash must not read on in a script that was edited while it ran.
main "$@"; exit
