/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runloop.c: time commands against each other.
 *
 *	runloop [-n ROUNDS] [-i IDLE_MS] [-r] :: LABEL STEP [,, STEP]... [:: LABEL ...]...
 *
 * Each round runs every job once, in turn, so that a noisy moment of the machine
 * falls on all of them. A job is one or more steps, timed as one; a step is a
 * command with its arguments, or "@reap FILE": wait for the end of the process
 * whose number FILE holds (a container's init, orphaned by its runtime: runloop is
 * the subreaper). One round more goes first and is not counted. IDLE_MS is slept
 * before each job, outside its time.
 *
 * Out, a line a job: label, rounds, minimum and median in nanoseconds, peak RSS in
 * KiB of the largest process among those waited for, tab-separated. With -r instead
 * a line a sample: label, nanoseconds. A step that ends with another status than 0
 * ends everything with status 1. Commands get /dev/null as their standard input and
 * output and keep standard error.
 *
 * The RSS of a child counts from its vfork, so it is never below runloop's own:
 * runloop is linked statically and touches little.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX 16
#define STEPS_MAX 8
#define ROUNDS_MAX 1000000L
#define IDLE_MAX_MS 60000L

struct job {
	const char *label;
	char **step[STEPS_MAX]; /* each a NULL-terminated argv */
	size_t n_steps;
	uint64_t *ns; /* a sample a round */
	long rss_kib;
};

struct options {
	long rounds, idle_ms;
	int raw;
};

static posix_spawn_file_actions_t null_stdio;
extern char **environ;

static _Noreturn void __attribute__((format(printf, 1, 2))) die(const char *fmt, ...)
{
	va_list ap;

	(void)fputs("runloop: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static long number_parse(const char *s, const char *what, long max)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(s, &end, 10);
	if (errno || end == s || *end || v < 0 || v > max)
		die("%s must be a number from 0 to %ld, not '%s'", what, max, s);
	return v;
}

/* Returns the wait status and raises the job's peak RSS. */
static int child_wait(struct job *job, pid_t pid)
{
	struct rusage use;
	int status;

	while (wait4(pid, &status, 0, &use) < 0)
		if (errno != EINTR)
			die("%s: wait for process %d: %s", job->label, (int)pid, strerror(errno));
	if (use.ru_maxrss > job->rss_kib)
		job->rss_kib = use.ru_maxrss;
	return status;
}

static pid_t pid_file_read(struct job *job, const char *path)
{
	char buf[32];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (n <= 0)
		die("%s: read a process number from '%s': %s", job->label, path, n < 0 ? strerror(errno) : "empty");
	(void)close(fd);
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return (pid_t)number_parse(buf, path, INT_MAX);
}

static void step_run(struct job *job, char **argv)
{
	int status, r;
	pid_t pid;

	if (strcmp(argv[0], "@reap") == 0 && argv[1]) {
		(void)child_wait(job, pid_file_read(job, argv[1]));
		return;
	}
	r = posix_spawnp(&pid, argv[0], &null_stdio, NULL, argv, environ);
	if (r)
		die("%s: run '%s': %s", job->label, argv[0], strerror(r));
	status = child_wait(job, pid);
	if (WIFSIGNALED(status))
		die("%s: '%s %s' was killed by signal %d", job->label, argv[0], argv[1] ? argv[1] : "",
		    WTERMSIG(status));
	if (WEXITSTATUS(status))
		die("%s: '%s %s' exited with status %d", job->label, argv[0], argv[1] ? argv[1] : "",
		    WEXITSTATUS(status));
}

static void idle(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (ms > 0 && nanosleep(&t, &t) < 0 && errno == EINTR)
		continue;
}

static uint64_t job_run(struct job *job, long idle_ms)
{
	uint64_t start;

	idle(idle_ms);
	start = now_ns();
	for (size_t i = 0; i < job->n_steps; i++)
		step_run(job, job->step[i]);
	return now_ns() - start;
}

static int ns_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void job_print(struct job *job, const struct options *opt)
{
	size_t n = (size_t)opt->rounds;
	uint64_t median;

	for (size_t i = 0; opt->raw && i < n; i++)
		(void)printf("%s\t%llu\n", job->label, (unsigned long long)job->ns[i]);
	if (opt->raw)
		return;
	qsort(job->ns, n, sizeof(*job->ns), ns_compare);
	median = n % 2 ? job->ns[n / 2] : (job->ns[n / 2 - 1] + job->ns[n / 2]) / 2;
	(void)printf("%s\t%zu\t%llu\t%llu\t%ld\n", job->label, n, (unsigned long long)job->ns[0],
		     (unsigned long long)median, job->rss_kib);
}

/* Cuts argv into jobs and steps in place: each separator becomes a NULL. */
static size_t jobs_parse(char **argv, struct job *jobs)
{
	struct job *job = NULL;
	size_t n = 0;

	for (; *argv; argv++) {
		if (strcmp(*argv, "::") == 0) {
			if (n == JOBS_MAX || !argv[1] || !argv[2])
				die("after '::' come a label and a command; %d jobs at most", JOBS_MAX);
			*argv = NULL;
			job = &jobs[n++];
			job->label = argv[1];
			job->step[job->n_steps++] = argv + 2;
			argv++;
		} else if (!job) {
			die("'::' is expected before '%s'", *argv);
		} else if (strcmp(*argv, ",,") == 0) {
			if (job->n_steps == STEPS_MAX || !argv[1])
				die("%s: after ',,' comes a command; %d steps at most", job->label, STEPS_MAX);
			*argv = NULL;
			job->step[job->n_steps++] = argv + 1;
		}
	}
	for (size_t i = 0; i < n; i++)
		for (size_t s = 0; s < jobs[i].n_steps; s++)
			if (!jobs[i].step[s][0])
				die("%s: step %zu is empty", jobs[i].label, s + 1);
	return n;
}

static void options_parse(int argc, char **argv, struct options *opt)
{
	int c;

	while ((c = getopt(argc, argv, "+n:i:r")) != -1) {
		if (c == 'n')
			opt->rounds = number_parse(optarg, "-n", ROUNDS_MAX);
		else if (c == 'i')
			opt->idle_ms = number_parse(optarg, "-i", IDLE_MAX_MS);
		else if (c == 'r')
			opt->raw = 1;
		else
			die("usage: runloop [-n ROUNDS] [-i IDLE_MS] [-r] :: LABEL STEP [,, STEP]... [:: ...]");
	}
	if (opt->rounds < 1)
		die("-n must be at least 1");
}

int main(int argc, char **argv)
{
	struct options opt = { .rounds = 20 };
	struct job jobs[JOBS_MAX] = { 0 };
	size_t n;

	options_parse(argc, argv, &opt);
	n = jobs_parse(argv + optind, jobs);
	if (n == 0)
		die("no job is given");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		die("become the subreaper: %s", strerror(errno));
	if (posix_spawn_file_actions_init(&null_stdio) ||
	    posix_spawn_file_actions_addopen(&null_stdio, STDIN_FILENO, "/dev/null", O_RDONLY, 0) ||
	    posix_spawn_file_actions_addopen(&null_stdio, STDOUT_FILENO, "/dev/null", O_WRONLY, 0))
		die("no memory");
	for (size_t i = 0; i < n; i++) {
		jobs[i].ns = calloc((size_t)opt.rounds, sizeof(*jobs[i].ns));
		if (!jobs[i].ns)
			die("no memory");
		(void)job_run(&jobs[i], 0); /* warms the caches */
	}
	for (long round = 0; round < opt.rounds; round++)
		for (size_t i = 0; i < n; i++)
			jobs[i].ns[round] = job_run(&jobs[i], opt.idle_ms);
	for (size_t i = 0; i < n; i++)
		job_print(&jobs[i], &opt);
	return 0;
}
