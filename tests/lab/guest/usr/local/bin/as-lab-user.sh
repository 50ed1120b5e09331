#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# as-lab-user.sh [--pty] COMMAND...: in the lab's guest, runs it as the user `lab` in a service
# of that user's own systemd, with the session's bus and a delegated cgroup; input, output and
# status pass through. --pty: on a new terminal.
set -eu
how=--pipe
if [ "${1:-}" = --pty ]; then
	how=--pty
	shift
fi
cd /home/lab
exec setpriv --reuid=lab --regid=lab --init-groups env HOME=/home/lab USER=lab LOGNAME=lab SHELL=/bin/bash \
	XDG_RUNTIME_DIR=/run/user/1000 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus \
	systemd-run --user --quiet --collect --wait "$how" --property=Delegate=yes --working-directory=/home/lab \
	--setenv=PATH="$PATH" --setenv=LANG="${LANG:-C.UTF-8}" "$@"
