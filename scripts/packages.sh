# shellcheck shell=bash
# Installing system packages, for ./quickstart and ./test; sourced, not run.
#
#   need postgres compiler curl      installs what is missing, asks nothing
#
# Tested on Debian 12. The names for the other package managers are here so that the scripts say something useful there.

say() {
  if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then printf '\n\033[1m==> %s\033[0m\n' "$*"; else printf '\n==> %s\n' "$*"; fi
}
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

can_be_root() { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

manager() {
  local program
  for program in apt-get dnf apk pacman brew; do
    if command -v "$program" >/dev/null; then
      echo "$program"
      return
    fi
  done
}

# Is it here already?
have() {
  case $1 in
    postgres)
      # A server that nself can use, with its contrib extensions.
      local server share
      for server in /usr/lib/postgresql/*/bin/postgres /usr/pgsql-*/bin/postgres /usr/libexec/postgresql*/postgres \
        /opt/homebrew/opt/postgresql@*/bin/postgres /usr/bin/postgres /usr/local/bin/postgres; do
        [ -x "$server" ] || continue
        for share in /usr/share/postgresql/*/extension "${server%/bin/postgres}"/share/extension \
          "${server%/bin/postgres}"/share/postgresql*/extension /usr/share/postgresql*/extension; do
          [ -e "$share/pgcrypto.control" ] && return 0
        done
      done
      return 1
      ;;
    postgis) compgen -G '/usr/share/postgresql/*/extension/postgis_raster.control' >/dev/null ;;
    en_US) locale -a 2>/dev/null | grep -qi '^en_US\.utf' ;;
    compiler) command -v cc >/dev/null ;;
    chromium) command -v chromium >/dev/null && command -v chromedriver >/dev/null ;;
    pip) command -v pip3 >/dev/null || python3 -m pip --version >/dev/null 2>&1 ;;
    faketime) compgen -G '/usr/lib*/faketime/libfaketime.so.1' >/dev/null || compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null ;;
    network) command -v ip >/dev/null && command -v unshare >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# What the package manager calls it.
packages() {
  case $(manager):$1 in
    apt-get:postgres) echo postgresql postgresql-contrib ;;
    dnf:postgres) echo postgresql-server postgresql-contrib ;;
    apk:postgres) echo postgresql postgresql-contrib ;;
    pacman:postgres) echo postgresql ;;
    brew:postgres) echo postgresql@17 ;;
    apt-get:postgis) echo postgresql-postgis ;;
    *:postgis) echo postgis ;;
    apt-get:en_US) echo locales ;;
    *:en_US) echo glibc-langpack-en ;;
    apt-get:compiler) echo gcc libc6-dev ;;
    apk:compiler) echo gcc musl-dev ;;
    *:compiler) echo gcc ;;
    apt-get:chromium) echo chromium chromium-driver ;;
    apk:chromium) echo chromium chromium-chromedriver ;;
    *:chromium) echo chromium ;;
    apt-get:npm) echo nodejs npm ;;
    *:npm) echo npm ;;
    apt-get:pip) echo python3-pip ;;
    apk:pip) echo py3-pip ;;
    *:pip) echo python-pip ;;
    *:faketime) echo libfaketime ;;
    apt-get:network) echo iproute2 util-linux ;;
    *:network) echo iproute2 ;;
    *) echo "$1" ;;
  esac
}

# Debian's packages start servers of their own when they are installed. For the time of one installation: no new
# database cluster, and no service started. Both switches are taken back, whatever happens.
debian_install() {
  local policy=/usr/sbin/policy-rc.d cluster=/etc/postgresql-common/createcluster.d/nself-quickstart.conf status=0
  local made_policy=no
  as_root mkdir -p "${cluster%/*}"
  echo 'create_main_cluster = false' | as_root tee "$cluster" >/dev/null
  if [ ! -e "$policy" ]; then
    made_policy=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 update >&2 &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=600 \
      -o Dpkg::Use-Pty=0 install "$@" >&2 || status=$?
  as_root rm -f "$cluster"
  [ $made_policy = no ] || as_root rm -f "$policy"
  return $status
}

need() {
  local thing missing=()
  for thing in "$@"; do
    # shellcheck disable=SC2207 # package names have no spaces
    have "$thing" || missing+=($(packages "$thing"))
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(manager)" = brew ] || can_be_root ||
    die "installing packages takes root. Install these once, then run this again: ${missing[*]}"
  say "Installing ${missing[*]}"
  case $(manager) in
    apt-get) debian_install "${missing[@]}" ;;
    dnf) as_root dnf install -y -q "${missing[@]}" >&2 ;;
    apk) as_root apk add -q "${missing[@]}" >&2 ;;
    pacman) as_root pacman -S --noconfirm --needed "${missing[@]}" >&2 ;;
    brew) brew install -q "${missing[@]}" >&2 ;;
    *) die "no known package manager here; please install: ${missing[*]}" ;;
  esac || die "these packages could not be installed: ${missing[*]}"
}

# Hasura's fixtures print amounts of money as Americans do.
need_locale() {
  have en_US && return
  need en_US
  have en_US || as_root localedef -i en_US -f UTF-8 en_US.UTF-8
}

# What the replay of Hasura's fixtures is written with, in a folder of its own.
need_python_packages() {
  local folder=$HOME/.cache/nself/python
  PYTHONPATH=$folder python3 -c 'import ruamel.yaml, graphql, websocket' 2>/dev/null && return
  say "Installing Python packages for the replay of Hasura's fixtures"
  python3 -m pip install -q --disable-pip-version-check --root-user-action ignore --target "$folder" \
    ruamel.yaml graphql-core websocket-client
}

need_rust() {
  # shellcheck source=/dev/null
  if ! command -v cargo >/dev/null && [ -e "$HOME/.cargo/env" ]; then . "$HOME/.cargo/env"; fi
  command -v cargo >/dev/null || die "Rust is missing. Install it from https://rustup.rs, then run this again."
}
