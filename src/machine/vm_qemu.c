/* SPDX-License-Identifier: Apache-2.0 */
/* vm_qemu.c: see vm_qemu.h. */
#include "vm_qemu.h"

#include "fd.h"
#include "kernel.h"
#include "str.h"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define VERSION_SECONDS 5
#define SAYS_MAX 512

int vm_qemu_find(const char **out, struct err *e)
{
	static const char *const places[] = {
		"/usr/bin/qemu-system-x86_64", "/usr/local/bin/qemu-system-x86_64",
		"/usr/libexec/qemu-kvm", /* RHEL and its kin */
	};

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (access(places[i], X_OK) == 0) {
			*out = places[i];
			return 0;
		}
	return err_set(e, ENOENT, "no QEMU: expected '%s' (in Debian: install qemu-system-x86)", places[0]);
}

/* Nothing but standard output, into `says`. 0 or a positive errno. */
static int spawn(const char *path, int says, pid_t *out_pid)
{
	char *argv[] = { (char *)path, (char *)"--version", NULL }, *no_env[] = { NULL };
	posix_spawn_file_actions_t files;
	int code = posix_spawn_file_actions_init(&files);

	if (code)
		return code;
	code = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!code)
		code = posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (!code)
		code = posix_spawn_file_actions_adddup2(&files, says, STDOUT_FILENO);
	if (!code)
		code = posix_spawn(out_pid, path, &files, NULL, argv, no_env);
	(void)posix_spawn_file_actions_destroy(&files);
	return code;
}

/* Its end, or what is made its end. The status; -1 for a signal. */
static int end_of(pid_t pid)
{
	AUTO_FD pidfd = sys_pidfd_open(pid, 0);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int status;

	if (pidfd < 0 || poll(&p, 1, VERSION_SECONDS * 1000) <= 0)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int vm_qemu_version(const char *path, char out[VM_QEMU_VERSION_MAX], struct err *e)
{
	static const char words[] = " version ";
	AUTO_FD says = memfd_create("qemu", MFD_CLOEXEC);
	char text[SAYS_MAX];
	const char *version;
	ssize_t n;
	pid_t pid;
	size_t len;
	int code;

	if (says < 0)
		return err_sys(e, errno, "memfd_create");
	code = spawn(path, says, &pid);
	if (code)
		return err_sys(e, code, "start '%s'", path);
	code = end_of(pid);
	n = pread(says, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	version = strstr(text, words); /* "QEMU emulator version 7.2.22 (Debian ...)" */
	len = version ? strcspn(version + sizeof(words) - 1, " \n") : 0;
	if (code != 0 || len == 0 || len >= VM_QEMU_VERSION_MAX)
		return err_set(e, EPROTO, "'%s --version' did not say which version it is", path);
	memcpy(out, version + sizeof(words) - 1, len);
	out[len] = '\0';
	return 0;
}
