# shellcheck shell=sh
# Shared by the scripts beside this folder. Sourced with $root set to the repository; defines functions only.
: "${root:?is set by the script that sources this file}"

# One line on anything but Linux, exit 69 (EX_UNAVAILABLE).
require_linux() {
  [ "$(uname -s)" = Linux ] && return 0
  echo "Cartwright runs on Linux only: use a Linux machine, a virtual machine or a container (on Windows, WSL 2)." >&2
  exit 69
}

# npm brings everything else, the right Node.js included.
require_npm() {
  command -v npm >/dev/null 2>&1 && return 0
  echo "npm is missing. Install it (Debian, Ubuntu: 'apt-get install npm'; Fedora: 'dnf install nodejs-npm'; others: nodejs.org) and run this again." >&2
  exit 69
}

# with_progress LABEL COMMAND…: runs the command quietly and shows that it is alive: a spinner on a terminal, a line every
# ten seconds elsewhere. Prints the command's output only when it fails; returns its status.
with_progress() {
  progress_label=$1
  shift
  progress_dir=$(mktemp -d)
  progress_start=$(date +%s)
  progress_said=$progress_start
  [ -t 2 ] || echo "$progress_label …" >&2
  (
    set +e
    "$@" >"$progress_dir/log" 2>&1
    echo $? >"$progress_dir/status.part"
    mv "$progress_dir/status.part" "$progress_dir/status"
  ) &
  progress_job=$!
  trap 'kill "$progress_job" 2>/dev/null; rm -rf "$progress_dir"; exit 130' INT TERM
  progress_frame=0
  while [ ! -e "$progress_dir/status" ] && kill -0 "$progress_job" 2>/dev/null; do
    progress_now=$(date +%s)
    if [ -t 2 ]; then
      progress_frame=$(((progress_frame + 1) % 4))
      case $progress_frame in
        0) progress_mark='|' ;;
        1) progress_mark='/' ;;
        2) progress_mark='-' ;;
        *) progress_mark="\\" ;;
      esac
      printf '\r%s %s … %s s ' "$progress_mark" "$progress_label" "$((progress_now - progress_start))" >&2
    elif [ $((progress_now - progress_said)) -ge 10 ]; then
      echo "  still at it, $((progress_now - progress_start)) s" >&2
      progress_said=$progress_now
    fi
    sleep 0.2 2>/dev/null || sleep 1
  done
  wait "$progress_job" || true
  trap - INT TERM
  progress_status=1
  [ -e "$progress_dir/status" ] && progress_status=$(cat "$progress_dir/status")
  progress_seconds=$(($(date +%s) - progress_start))
  [ -t 2 ] && printf '\r\033[K' >&2
  if [ "$progress_status" = 0 ]; then
    echo "$progress_label: done in $progress_seconds s" >&2
  else
    echo "$progress_label: failed after $progress_seconds s" >&2
    tail -n 40 "$progress_dir/log" >&2
  fi
  rm -rf "$progress_dir"
  return "$progress_status"
}

# What decides whether the installed packages are still the right ones.
packages_fingerprint() {
  { cat "$root/package-lock.json" "$root/.npmrc" && uname -m; } | sha256sum | cut -d ' ' -f 1
}

packages_installed() {
  [ -x "$root/node_modules/.bin/node" ] &&
    [ "$(cat "$root/node_modules/.cartwright-installed" 2>/dev/null)" = "$(packages_fingerprint)" ]
}

# Installs the locked packages unless the lock file is the one they were installed from. Two runs at once wait for each other.
install_packages() {
  packages_installed && return 0
  require_npm
  mkdir -p "$root/.setup"
  exec 9>"$root/.setup/lock"
  if command -v flock >/dev/null 2>&1 && ! flock -n 9; then
    echo "Another run is installing packages; waiting for it." >&2
    flock 9
  fi
  if ! packages_installed; then
    with_progress "Installing packages (npm ci)" npm ci --prefix "$root" --no-audit --no-fund 9>&- || {
      echo "The packages could not be installed. Check the network and the disk (about 600 MB), then run this again." >&2
      exit 69
    }
    if ! "$root/node_modules/.bin/node" --version >/dev/null 2>&1; then
      echo "The pinned Node.js does not run here: it needs x64 or arm64 and glibc (Debian, Ubuntu, Fedora …); on Alpine use a Debian container." >&2
      exit 69
    fi
    packages_fingerprint >"$root/node_modules/.cartwright-installed"
  fi
  exec 9>&-
}

# Puts the pinned Node.js first and lets it keep compiled modules between runs; those of an installed release, in which
# nothing may change, lie where the program itself chooses.
use_node() {
  PATH="$root/node_modules/.bin:$PATH"
  export PATH
  [ -e "$root/release.json" ] && return 0
  NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-$root/.cache/node}
  export NODE_COMPILE_CACHE
}

# Bundles the web pages where their sources changed. A device's archive carries them built and has no bundler.
build_pages() {
  [ -e "$root/node_modules/esbuild" ] || return 0
  node "$root/scripts/pages.ts" --if-stale >&2
}

# have COMMAND: also where a plain user's PATH does not look (Debian keeps mosquitto in /usr/sbin).
have() {
  PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1
}

# install_tools COMMAND:PACKAGE…: gets what is missing on Debian as root; says what is missing otherwise. Never fails.
install_tools() {
  tools_missing=
  for tool in "$@"; do
    have "${tool%%:*}" || tools_missing="$tools_missing ${tool#*:}"
  done
  [ -z "$tools_missing" ] && return 0
  if [ "$(id -u)" != 0 ] || ! [ -e /etc/debian_version ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Not installed, and needed by some tests:$tools_missing (Debian: apt-get install$tools_missing)" >&2
    return 0
  fi
  # shellcheck disable=SC2086 # a list of package names
  apt_install $tools_missing && return 0
  with_progress "Updating the package lists" apt-get update || true
  # shellcheck disable=SC2086
  apt_install $tools_missing && return 0
  for package in $tools_missing; do
    apt_install "$package" || echo "$package could not be installed; the tests that need it are skipped" >&2
  done
}

apt_install() {
  with_progress "Installing $*" env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --no-install-recommends "$@"
}
