#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# buildah run and bud, as root and as an ordinary user: the same with husk as with crun.
# shellcheck disable=SC2016 # $names in single quotes are the container's shell's
set -eu
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/../../integration/lib.sh"
# shellcheck source=tests/lab/clients/compare.sh
. "$(dirname "$0")/compare.sh"

suite() { need_lab buildah script; }

b() { "${BUILDAH[@]}" "$@"; }

# run_words WORD...: sets RUN, buildah run with the runtime under test.
run_words() { RUN=("${BUILDAH[@]}" run --isolation oci --runtime "$RUNTIME_PATH" --network none "$@"); }

runs() {
	local from
	rm -rf "$T/mine"
	mkdir "$T/mine"
	image_tar >"$T/mine/root.tar"
	chmod -R a+rwX "$T/mine"
	from=$(b from scratch)
	must b add --quiet "$from" "$T/mine/root.tar" /
	must b config --env A=1 --workingdir /tmp "$from"
	run_words
	must "${RUN[@]}" "$from" -- sh -c 'echo $A $PWD; id; grep -E "^(Cap|Seccomp:|NoNew)" /proc/self/status; hostname | wc -c'
	show "${RUN[@]}" "$from" -- sh -c 'exit 3'
	show "${RUN[@]}" "$from" -- no-such-program
	echo typed | must "${RUN[@]}" "$from" -- cat
	run_words --user guest --cap-add CAP_SYS_ADMIN --hostname box --volume "$T/mine:/vol:ro"
	must "${RUN[@]}" "$from" -- sh -c 'id; hostname; ls /vol; touch /vol/x 2>&1; true'
	run_words --tty
	on_growing_terminal "${RUN[@]}" "$from" -- sh -c "test -t 0 && echo terminal; $SHOW_SIZE"
	must b commit --quiet "$from" base | wc -l
	printf '%s\n' 'FROM base' 'RUN echo built >/made && id -u' 'RUN cat /made' 'RUN exit 4' >"$T/mine/Containerfile"
	show b bud --isolation oci --runtime "$RUNTIME_PATH" --network none --pull-never --no-cache "$T/mine" 2>&1 |
		sed 's/.*\(exit status 4\).*/\1/'
	must b rm --all | wc -l
	b rmi --all --force >/dev/null
}

same_root() {
	BUILDAH=(buildah)
	runs
}

same_rootless() {
	in_session
	BUILDAH=("${AS_LAB[@]}" buildah)
	runs
}

compare_tests -- "$@"
