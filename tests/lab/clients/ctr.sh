# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# ctr.sh: a containerd of the guest's own, and ctr, for test_ctr*.sh.
# shellcheck source=tests/integration/engine.sh
. "$(dirname "$0")/../../integration/engine.sh"
# shellcheck source=tests/lab/clients/compare.sh
. "$(dirname "$0")/compare.sh"

CTR_DIR=$CLIENTS/containerd
IMAGE=test.invalid/test:latest

suite() {
	need_lab containerd ctr jq script
	[ -e "$CTR_DIR/ready" ] || {
		docker_archive "$CTR_DIR/image" "$IMAGE"
		printf '%s\n' 'version = 2' "root = \"$CTR_DIR/root\"" 'state = "/run/husk-containerd"' \
			'disabled_plugins = ["io.containerd.grpc.v1.cri"]' '[grpc]' "address = \"$CTR_DIR/socket\"" >"$CTR_DIR/config.toml"
		setsid containerd --config "$CTR_DIR/config.toml" >"$CTR_DIR/log" 2>&1 </dev/null &
		wait_for 60 ctr --address "$CTR_DIR/socket" version
		c image import "$CTR_DIR/image/image.tar" >/dev/null || fail "ctr image import: $(tail -n 3 "$CTR_DIR/log")"
		touch "$CTR_DIR/ready"
	}
}

c() { timeout -k 1 "${CTR_SECONDS:-60}" ctr --address "$CTR_DIR/socket" "$@"; }

after_half() {
	local id
	for id in $(c container ls -q); do
		c task delete --force "$id"
		c container rm "$id"
	done
}

task_is() { [ "$(c task ls | awk -v id="$1" '$1 == id { print $3 }')" = "$2" ]; }
