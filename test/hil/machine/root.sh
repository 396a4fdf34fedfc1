#!/bin/sh
# root.sh RELEASE PACKAGES FOLDER: a Debian root file system (root.tar) and its kernel's package (kernel.deb) into FOLDER.
# Needs mmdebstrap, and root or the user namespaces that mmdebstrap's unshare mode takes.
set -eu
release=$1
packages=$2
folder=$3

# The kernel comes from the same archive as the rest; its package is only unpacked, never installed. The hook runs with
# mmdebstrap's own apt settings, in a folder of the guest because in unshare mode nothing else can be written.
# shellcheck disable=SC2016 # expanded by the hook's shell
hook='
  mkdir -p "$1/opt/kernel"
  cd "$1/opt/kernel"
  export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
  image=$(apt-cache depends linux-image-amd64 | sed -n "s/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p" | head -n 1)
  apt-get download "$image"
  mv linux-image-*.deb kernel.deb'

mmdebstrap --variant=minbase --include="$packages" \
  --aptopt='APT::Install-Recommends "false"' \
  --aptopt='APT::Sandbox::User "root"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/i18n/*' \
  --customize-hook="$hook" \
  "$release" "$folder/root.tar"
