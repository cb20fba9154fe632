#!/bin/sh
# Installs a mesher program after comparing it with its line in SHA256SUMS.
# usage: install.sh [--prefix FOLDER] [--service] FOLDER_OR_URL
#   FOLDER_OR_URL  where the program and SHA256SUMS are: a folder, or an https:// address
#   --prefix       where bin/mesher is put (default /usr/local)
#   --service      also installs the systemd unit that lies beside this script, without starting it
set -eu

prefix=/usr/local
service=no
from=

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

while [ $# -gt 0 ]; do
  case $1 in
    --prefix)
      [ $# -ge 2 ] || fail "--prefix wants a folder"
      prefix=$2
      shift
      ;;
    --service) service=yes ;;
    -*) fail "unknown option $1" ;;
    *)
      [ -z "$from" ] || fail "only one folder or address, not $from and $1"
      from=$1
      ;;
  esac
  shift
done
[ -n "$from" ] || fail "where from? usage: install.sh [--prefix FOLDER] [--service] FOLDER_OR_URL"

machine=$(uname -m)
system=$(uname -s)
case "$system $machine" in
  "Linux x86_64") target=x86_64-unknown-linux-gnu ;;
  "Linux aarch64") target=aarch64-unknown-linux-gnu ;;
  "Darwin x86_64") target=x86_64-apple-darwin ;;
  "Darwin arm64") target=aarch64-apple-darwin ;;
  *) fail "there is no program for $system on $machine" ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

fetch() {
  case $from in
    https://*) curl --fail --silent --show-error --location --proto '=https' --output "$work/$2" "$from/$1" ;;
    http://*) return 1 ;;
    *) [ -f "$from/$1" ] && cp "$from/$1" "$work/$2" ;;
  esac
}

case $from in http://*) fail "only https:// is accepted, or a folder" ;; esac
fetch SHA256SUMS SHA256SUMS || fail "there is no SHA256SUMS in $from"

# The machine that built it calls its own program plainly mesher.
name=
for candidate in "mesher-$target" mesher; do
  if awk -v name="$candidate" '$2 == name { found = 1 } END { exit !found }' "$work/SHA256SUMS"; then
    name=$candidate
    break
  fi
done
[ -n "$name" ] || fail "SHA256SUMS names neither mesher-$target nor mesher"
fetch "$name" program || fail "there is no $name in $from"

expected=$(awk -v name="$name" '$2 == name { print $1 }' "$work/SHA256SUMS")
if command -v sha256sum >/dev/null; then
  found=$(sha256sum "$work/program" | cut -d ' ' -f 1)
else
  found=$(shasum -a 256 "$work/program" | cut -d ' ' -f 1)
fi
[ "$expected" = "$found" ] || fail "$name has SHA-256 $found, SHA256SUMS says $expected; nothing was installed"

chmod 0755 "$work/program"
"$work/program" version >/dev/null || fail "$name does not run on this machine; nothing was installed"
mkdir -p "$prefix/bin"
# Beside the old one first: a program that is running cannot be overwritten, but it can be replaced.
cp "$work/program" "$prefix/bin/.mesher.new"
chmod 0755 "$prefix/bin/.mesher.new"
mv -f "$prefix/bin/.mesher.new" "$prefix/bin/mesher"
echo "installed $prefix/bin/mesher: $("$prefix/bin/mesher" version | head -n 1)"

if [ "$service" = yes ]; then
  unit=$(dirname "$0")/mesher.service
  [ -f "$unit" ] || fail "there is no $unit"
  sed "s|/usr/local/bin/mesher|$prefix/bin/mesher|" "$unit" >/etc/systemd/system/mesher.service
  systemctl daemon-reload
  echo "installed the unit; settings go into /etc/mesher/mesher.env, then: systemctl enable --now mesher"
fi
