#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No package archive, image registry or one machine's folder is named in a file: the tests
# make their own images, and packages come from where the machine's own apt gets them.
# shellcheck source=lib.bash
. "$(dirname "$0")/lib.bash"

grep -rnIE --exclude-dir=.git --exclude=.git --exclude-dir=autom4te.cache --exclude-dir=build-aux --exclude-dir='build*' \
	--exclude='*.log' --exclude='*.trs' --exclude=configure --exclude=aclocal.m4 --exclude='Makefile*' --exclude='config.*' \
	-e 'https?://[a-z.]*(debian|npmjs|ubuntu)[.]' -e '(docker|quay|ghcr|gcr)[.]io/' -e '/wor[k]/[a-z.]' \
	. | bad_lines || true
finish
