#!/busybox sh
# The guest's first process: the host's root file system, read-only, under an overlay that is thrown away.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
m() { mount "$@" || echo "vm: mount $* failed"; }
mkdir -p /proc /sys /dev /lower /upper /new
m -t proc proc /proc
m -t devtmpfs dev /dev
for module in /m/*; do insmod "$module" || echo "vm: insmod $module failed"; done

p9=trans=virtio,version=9p2000.L,msize=512000
m -t 9p -o $p9,cache=loose,ro root /lower
m -t tmpfs upper /upper
mkdir /upper/files /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work root /new ||
	{ echo 'vm: no root file system'; poweroff -f; }

cd /new
mkdir -p proc sys dev run
m -t proc proc proc
m --move /dev dev
m -t sysfs sys sys
m -t tmpfs -o mode=755 run run
mkdir -p dev/pts dev/shm
m -t devpts -o gid=5,mode=620,ptmxmode=666 devpts dev/pts
m -t tmpfs -o mode=1777 shm dev/shm
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
m -t cgroup2 cgroup2 sys/fs/cgroup
m -t bpf bpf sys/fs/bpf
m -t securityfs securityfs sys/kernel/security
m -t debugfs debugfs sys/kernel/debug
m -t tracefs tracefs sys/kernel/tracing
modules=$(cat /job/modules)
mkdir -p boot lib/modules
m -o bind "/lower$modules" lib/modules
# Where Debian has a kernel's configuration.
cp "/lower${modules%/lib/modules}/config" "boot/config-$(/busybox uname -r)"
n=0
while read -r folder; do
	m -t 9p -o $p9,cache=mmap rw$n "./$folder"
	n=$((n + 1))
done </job/rw
mkdir run/vm
cp /busybox /job/* run/vm/
exec /bin/switch_root /new /run/vm/busybox sh /run/vm/init
