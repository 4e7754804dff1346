# Arguments: a folder and a test binary to run in it, and so on.
failed=0
while [ $# -gt 0 ]; do
	echo
	echo "     Running ${2##*/}"
	(cd "$1" && exec "$2") || failed=1
	shift 2
done
exit $failed
