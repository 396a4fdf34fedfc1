#!/bin/sh
# image.sh ROOT_TAR GUEST_FOLDER NODE MODULES FOLDER: makes root.img, vmlinuz and the folder `early` (what the initial
# RAM disk holds) in FOLDER. Runs as root, or as the root of a user namespace with mapped ids. GUEST_FOLDER is copied to
# /opt/hil of the guest, NODE to /opt/hil/node.
set -eu
archive=$1
guest=$2
node=$3
modules=$4
folder=$5
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
root=$folder/root
early=$folder/early

mkdir -p "$root" "$early/modules"
tar -xf "$archive" -C "$root" --exclude='./dev/*'

# The kernel and, of its modules, those named and what they need.
dpkg-deb -x "$root/opt/kernel/kernel.deb" "$folder/kernel"
rm -rf "$root/opt/kernel"
version=$(basename "$folder"/kernel/lib/modules/*)
mv "$folder/kernel/boot/vmlinuz-$version" "$folder/vmlinuz"
mkdir -p "$root/lib/modules"
mv "$folder/kernel/lib/modules/$version" "$root/lib/modules/$version"
rm -rf "$folder/kernel"
chroot "$root" /sbin/depmod "$version"
resolve() {
  for module in "$@"; do
    needed=$(chroot "$root" /sbin/modprobe --set-version "$version" --show-depends "$module") || exit 1
    printf '%s\n' "$needed" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
  done
}
# shellcheck disable=SC2086 # a list
resolve $modules >"$folder/keep"
(cd "$root" && find lib/modules -name '*.ko*' -printf '/%p\n') | while read -r file; do
  grep -qxF -e "$file" -e "/usr$file" "$folder/keep" || rm -f "$root$file"
done
chroot "$root" /sbin/depmod "$version"

# The initial RAM disk: busybox and what it takes to find the disk, in the order of loading.
resolve virtio_pci virtio_blk ext4 >"$folder/early-modules"
awk '!seen[$0]++' "$folder/early-modules" | while read -r file; do
  name=$(basename "$file")
  cp "$root$file" "$early/modules/$name"
  echo "$name" >>"$early/modules/order"
done
cp "$root/bin/busybox" "$early/busybox"
cp "$guest/early-init" "$early/init"
chmod 755 "$early/init" "$early/busybox"

# What runs in the guest.
mkdir -p "$root/opt/hil" "$root/project"
cp "$guest"/* "$root/opt/hil/"
cp "$node" "$root/opt/hil/node"
chmod 755 "$root/opt/hil/node"
ln -sf /opt/hil/node "$root/usr/local/bin/node"
cp "$guest/hil-agent.service" "$root/etc/systemd/system/"
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -sf ../hil-agent.service "$root/etc/systemd/system/multi-user.target.wants/"
for unit in serial-getty@ttyS0.service getty@tty1.service getty.target apt-daily.timer apt-daily-upgrade.timer \
  dpkg-db-backup.timer e2scrub_all.timer fstrim.timer systemd-tmpfiles-clean.timer systemd-update-utmp.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
# A machine id of its own each boot would run the presets of a first boot each time.
echo 4361727477726967687448494c766d31 >"$root/etc/machine-id"
echo hil >"$root/etc/hostname"
echo '127.0.0.1 localhost hil' >"$root/etc/hosts"

rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/zoneinfo
truncate -s 1G "$folder/root.img"
mkfs.ext4 -q -F -O ^has_journal -d "$root" "$folder/root.img"
rm -rf "$root" "$folder/keep" "$folder/early-modules"
echo "$version" >"$folder/version"
