/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init.c: the guest's first program for tests/integration/test_vm_prepare.sh, in the agent's place. It
 * loads what lies in /modules, in the order of the names, says how that went and what it finds then, and
 * powers the machine off.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static int is_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void load_all(void)
{
	struct dirent **names;
	int n = scandir("/modules", &names, is_name, alphasort), failed = 0;
	char path[300];

	for (int i = 0; i < n; i++) {
		int fd;

		snprintf(path, sizeof(path), "/modules/%s", names[i]->d_name);
		fd = open(path, O_RDONLY);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0) {
			printf("GUEST not loaded: %s: %s\n", names[i]->d_name, strerror(errno));
			failed++;
		}
		close(fd);
	}
	printf("GUEST loaded %d of %d\n", n - failed, n);
}

/* "GUEST <what>: <the names in dir>" */
static void list(const char *what, const char *dir)
{
	struct dirent **names;
	int n = scandir(dir, &names, is_name, alphasort);

	printf("GUEST %s:", what);
	for (int i = 0; i < n; i++)
		printf(" %s", names[i]->d_name);
	printf("\n");
}

static void find_file_system(const char *name)
{
	char line[80];
	FILE *f = fopen("/proc/filesystems", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, name))
			printf("GUEST has %s\n", name);
}

int main(void)
{
	struct utsname u;

	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	uname(&u);
	printf("GUEST kernel %s\n", u.release);
	load_all();
	list("drivers", "/sys/bus/virtio/drivers");
	list("ports", "/sys/class/virtio-ports");
	list("top", "/");
	find_file_system("virtiofs");
	find_file_system("overlay");
	printf("GUEST done\n");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 1;
}
