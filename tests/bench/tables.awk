# SPDX-License-Identifier: Apache-2.0
# tables.awk: bench.sh's tables from its two files of samples. Times: what, busy or
# idle, runtime, rounds, minimum and median in ns, peak RSS in KiB; in what "seccomp",
# "plain" is the first runtime without a profile. Counts: what, runtime, value. Exits with 1 when husk misses a target.

FNR == 1 { file++ }
file == 1 { low[$1, $2, $3] = $5 / 1e6; mid[$1, $2, $3] = $6 / 1e6 }
file == 2 { value[$1, $2] = $3 }

function line(cells, n,   i) {
	for (i = 1; i <= n; i++) {
		if (markdown)
			printf "%s %s ", "|", cells[i]
		else
			printf i == 1 ? "%-34s" : "%16s", cells[i]
	}
	print markdown ? "|" : ""
}

function head(title, n,   i, cells) {
	print ""
	cells[1] = title
	for (i = 1; i <= n; i++)
		cells[i + 1] = column[i]
	line(cells, n + 1)
	if (!markdown)
		return
	for (i = 1; i <= n + 1; i++)
		printf "|%s", i == 1 ? "---" : "---:"
	print "|"
}

function times(what, mode, title,   i, cells) {
	cells[1] = title
	for (i = 1; i <= n_columns; i++)
		cells[i + 1] = (what, mode, column[i]) in low ? \
			sprintf("%.2f / %.2f", low[what, mode, column[i]], mid[what, mode, column[i]]) : "-"
	line(cells, n_columns + 1)
}

function counts(what, title, unit,   i, v, cells, any) {
	cells[1] = title
	for (i = 1; i <= n_columns; i++) {
		v = (what, column[i]) in value ? value[what, column[i]] : "-"
		any = any || v != "-"
		cells[i + 1] = v == "-" || unit == 1 ? v : sprintf("%.2f", v / unit)
	}
	if (any)
		line(cells, n_columns + 1)
}

function verdict(title, got, want, unit,   cells, ok) {
	ok = got <= want
	missed += !ok
	cells[1] = title
	cells[2] = sprintf("%.2f%s", got, unit)
	cells[3] = sprintf("<= %.2f%s", want, unit)
	cells[4] = ok ? "met" : "missed"
	line(cells, 4)
}

function ratio(what, peer, want, title) {
	if ((what, "busy", peer) in low && low[what, "busy", peer] > 0 && (what, "busy", "husk") in low)
		verdict(title " / " peer, low[what, "busy", "husk"] / low[what, "busy", peer], want, "")
}

BEGIN { KIB_PER_MB = 1e6 / 1024 }

END {
	n_columns = split(columns, column, " ")
	head("ms, minimum / median", n_columns)
	times("run", "busy", "run /bin/true")
	times("seccomp", "busy", "run, docker's seccomp profile")
	times("cycle", "busy", "create + start + delete")
	times("exec", "busy", "exec /bin/true")
	times("state", "busy", "state")
	times("run", "idle", "run, " idle_ms " ms idle before")
	times("seccomp", "idle", "run, seccomp, idle")
	times("cycle", "idle", "create + start + delete, idle")
	times("exec", "idle", "exec, idle")
	times("state", "idle", "state, idle")

	head("counts", n_columns)
	counts("syscalls_run", "system calls: run", 1)
	counts("syscalls_seccomp", "system calls: run, seccomp", 1)
	counts("syscalls_exec", "system calls: exec", 1)
	counts("syscalls_state", "system calls: state", 1)
	counts("instructions_run", "instructions, millions: run", 1e6)
	counts("instructions_state", "instructions, millions: state", 1e6)
	counts("instructions_version", "instructions, millions: --version", 1e6)
	counts("rss_run", "peak RSS, MB: run", KIB_PER_MB)
	counts("rss_state", "peak RSS, MB: state", KIB_PER_MB)
	print ""
	print "System calls include those of the program that is run. Instructions are counted by " counter "."
	print "RSS is measured with a program of 0.6 MB in the container, the least that can show."

	if (!(("run", "busy", "husk") in low))
		exit
	delete column
	column[1] = "seen"; column[2] = "target"; column[3] = "verdict"
	head("targets, ratios of minima", 3)
	ratio("run", "floor", 1.35, "run: husk")
	ratio("run", "crun", 0.5, "run: husk")
	verdict("docker's seccomp profile adds", low["seccomp", "busy", "husk"] - low["seccomp", "busy", "plain"], 0.4, " ms")
	ratio("exec", "crun", 0.4, "exec: husk")
	ratio("cycle", "crun", 0.45, "create+start+delete: husk")
	ratio("state", "crun", 0.4, "state: husk")
	if (("rss_run", "husk") in value && value["rss_run", "husk"] != "-")
		verdict("peak RSS, run", value["rss_run", "husk"] / KIB_PER_MB, 1, " MB")
	exit missed > 0
}
