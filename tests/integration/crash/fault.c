/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c: hits one system call of one process of a command.
 *
 *	fault [-o FILE] [-t SECONDS] [-a PID] [-p P -n N [-e ERROR]] COMMAND...
 *
 * Without -n it writes the calls of the command and of all that it makes to FILE, a line each:
 * "P N NAME". P is 0 for the command itself, 1 for the first process that it makes, and so on; N counts
 * the calls of P from 1 on. The calls of a process end with its execve, those of the command begin after
 * it. With -a the calls of process PID, which is there already, count as those of P 1.
 *
 * With -n, process P is killed before its N-th call; or with -e, that call is not made, and fails with
 * ERROR, a name such as ENOMEM. The line of the call that was hit is then written to FILE, and from
 * there on nothing is traced. strace's fault injection counts the calls of one name, in all processes at
 * once; this can hit any call of one process alone.
 *
 * Ends as the command does: with its status, or 128 + the signal. A command that does not end within
 * SECONDS (10) is killed: "hang" is written to FILE, and the status is 124. On other machines than
 * x86-64 the status is 77.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCS_MAX 64
#define OPTIONS \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE)

struct proc {
	pid_t pid;
	long calls;   /* so far; -1 while they do not count */
	uint64_t nr;  /* of the call that it is in */
	bool failing; /* so is that call */
};

static struct proc procs[PROCS_MAX];
static size_t n_procs;
static FILE *out;
static long want_proc = -1, want_call = -1; /* none: list them */
static int want_error;			    /* 0: kill */
static bool hit;			    /* nothing more is to be done */
static volatile sig_atomic_t late;

static _Noreturn void __attribute__((format(printf, 1, 2))) die(const char *fmt, ...)
{
	va_list ap;

	(void)fputs("fault: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	exit(125);
}

static void on_alarm(int sig)
{
	(void)sig;
	late = 1;
}

static int error_parse(const char *name)
{
	for (int code = 1; code < 134; code++)
		if (strerrorname_np(code) && strcmp(strerrorname_np(code), name) == 0)
			return code;
	die("-e '%s': not the name of an error", name);
}

static long number_parse(const char *s)
{
	char *end;
	long v = strtol(s, &end, 10);

	if (end == s || *end || v < 0)
		die("'%s' is not a number", s);
	return v;
}

/* The first stop of a new process may come before the event that its parent is told of it. */
static struct proc *proc_find(pid_t pid)
{
	for (size_t i = 0; i < n_procs; i++)
		if (procs[i].pid == pid)
			return &procs[i];
	if (n_procs == PROCS_MAX)
		die("more than %d processes", PROCS_MAX);
	procs[n_procs] = (struct proc){ .pid = pid };
	return &procs[n_procs++];
}

static void call_print(const struct proc *p, uint64_t nr)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)nr);

	(void)fprintf(out, "%td %ld %s\n", p - procs, p->calls, name ? name : "unknown");
	(void)fflush(out);
	free(name);
}

#ifdef __x86_64__
static void call_suppress(pid_t pid)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0)
		die("read registers: %s", strerror(errno));
	regs.orig_rax = (unsigned long long)-1;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) < 0)
		die("write registers: %s", strerror(errno));
}

static void call_fail(pid_t pid)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0)
		die("read registers: %s", strerror(errno));
	regs.rax = (unsigned long long)-(long long)want_error;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) < 0)
		die("write registers: %s", strerror(errno));
}
#else
static void call_suppress(pid_t pid)
{
	(void)pid;
	exit(77);
}

static void call_fail(pid_t pid)
{
	(void)pid;
}
#endif

static void call_entered(struct proc *p, uint64_t nr)
{
	if (p->calls < 0)
		return;
	p->calls++;
	if (want_call < 0) {
		call_print(p, nr);
	} else if (p - procs == want_proc && p->calls == want_call) {
		call_print(p, nr);
		if (want_error) {
			call_suppress(p->pid);
			p->failing = true;
		} else {
			(void)kill(p->pid, SIGKILL);
			hit = true;
		}
	}
}

static void call_stopped(struct proc *p)
{
	struct __ptrace_syscall_info info; /* glibc's name of the kernel's */

	if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, sizeof(info), &info) < 0)
		return; /* it was killed */
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		p->nr = info.entry.nr;
		call_entered(p, info.entry.nr);
	} else if (p->failing) {
		call_fail(p->pid);
		p->failing = false;
		hit = true;
	}
}

/* What came by execveat is husk in another form. */
static void program_begun(struct proc *p)
{
	if (p == procs && p->calls < 0)
		p->calls = 0;
	else if (p->nr == SYS_execve)
		p->calls = -1;
}

/* Lets a process that has stopped go on. */
static void stopped(pid_t pid, int status)
{
	struct proc *p = proc_find(pid);
	int sig = WSTOPSIG(status), event = status >> 16, next = 0;

	if (sig == (SIGTRAP | 0x80)) {
		call_stopped(p);
	} else if (event == PTRACE_EVENT_EXEC) {
		program_begun(p);
	} else if (event == PTRACE_EVENT_STOP && sig != SIGTRAP) {
		(void)ptrace(PTRACE_LISTEN, pid, NULL, NULL); /* a SIGSTOP of somebody's */
		return;
	} else if (event && event != PTRACE_EVENT_STOP) {
		unsigned long child;

		if (ptrace(PTRACE_GETEVENTMSG, pid, NULL, &child) == 0)
			(void)proc_find((pid_t)child);
	} else if (!event) {
		next = sig;
	}
	(void)ptrace(hit ? PTRACE_DETACH : PTRACE_SYSCALL, pid, NULL, next);
}

static pid_t command_start(char **argv)
{
	int go[2];
	pid_t pid;

	if (pipe2(go, O_CLOEXEC) < 0)
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		char c;

		if (read(go[0], &c, 1) == 1)
			(void)execvp(argv[0], argv);
		die("run '%s': %s", argv[0], strerror(errno));
	}
	if (pid < 0 || ptrace(PTRACE_SEIZE, pid, NULL, OPTIONS) < 0)
		die("trace '%s': %s", argv[0], strerror(errno));
	proc_find(pid)->calls = -1;
	if (write(go[1], "", 1) != 1)
		die("write: %s", strerror(errno));
	(void)close(go[0]);
	(void)close(go[1]);
	return pid;
}

static void attach(pid_t pid)
{
	if (ptrace(PTRACE_SEIZE, pid, NULL, OPTIONS) < 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
		die("trace process %d: %s", (int)pid, strerror(errno));
	(void)proc_find(pid);
}

/* Until the command ends. Returns what fault is to end with. */
static int follow(pid_t command)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno != EINTR)
			die("wait: %s", strerror(errno));
		if (late) {
			(void)fprintf(out, "hang\n");
			(void)kill(command, SIGKILL);
			return 124;
		}
		if (pid > 0 && WIFSTOPPED(status))
			stopped(pid, status);
		else if (pid == command)
			return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
}

int main(int argc, char **argv)
{
	struct sigaction alarmed = { .sa_handler = on_alarm };
	long seconds = 10, pid = 0;
	int c;

	out = stdout;
	while ((c = getopt(argc, argv, "+a:e:n:o:p:t:")) != -1) {
		if (c == 'a')
			pid = number_parse(optarg);
		else if (c == 'e')
			want_error = error_parse(optarg);
		else if (c == 'n')
			want_call = number_parse(optarg);
		else if (c == 'o')
			out = fopen(optarg, "we");
		else if (c == 'p')
			want_proc = number_parse(optarg);
		else if (c == 't')
			seconds = number_parse(optarg);
		else
			die("usage: fault [-o FILE] [-t SECONDS] [-a PID] [-p P -n N [-e ERROR]] COMMAND...");
	}
	if (!out || !argv[optind])
		die("%s", out ? "no command" : "cannot write the file of -o");
#ifndef __x86_64__
	return 77;
#endif
	pid_t command = command_start(argv + optind);

	if (pid > 0)
		attach((pid_t)pid);
	(void)sigaction(SIGALRM, &alarmed, NULL);
	(void)alarm((unsigned int)seconds);
	return follow(command);
}
