# Runs the command: its output to two ports of the host, its exit status to a third.
cd /run/vm
./busybox hostname vm
./busybox ip link set lo up
ulimit -l unlimited
ulimit -c 0
for n in 1 2 3; do
	until ./busybox ln -s /dev/vport*p$n p$n && [ -e p$n ]; do
		./busybox rm -f p$n
		./busybox sleep 0.05
	done
done
./busybox mkfifo out err
./busybox cat out >p1 & cat_out=$!
./busybox cat err >p2 & cat_err=$!
/bin/sh ./command </dev/null >out 2>err
status=$?
# A process that was left in the background may hold the pipes: not for long.
for n in $(./busybox seq 40); do
	kill -0 $cat_out 2>/dev/null || kill -0 $cat_err 2>/dev/null || break
	./busybox sleep 0.05
done
./busybox sync
echo $status >p3
echo b >/proc/sysrq-trigger
./busybox sleep 60
