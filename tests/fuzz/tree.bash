# SPDX-License-Identifier: Apache-2.0
# tree.bash: build trees of their own for coverage.sh and find_planted.sh.
: "${HUSK_TOP_BUILDDIR:=$PWD}"
export HUSK_TOP_BUILDDIR

# fresh_tree DIR [CONFIGURE ARGUMENT]...: what `make dist` would ship, configured there. Called again it
# brings what changed.
fresh_tree() {
	local dir=$1 name
	shift
	name=husk-$(sed -n 's/^PACKAGE_VERSION = //p' "$HUSK_TOP_BUILDDIR/Makefile")
	make -s -C "$HUSK_TOP_BUILDDIR" distdir
	mkdir -p "$dir"
	cp -a -u "$HUSK_TOP_BUILDDIR/$name/." "$dir/"
	rm -rf "${HUSK_TOP_BUILDDIR:?}/$name"
	[ -f "$dir/config.status" ] || (cd "$dir" && ./configure --silent "$@") >&2
}
