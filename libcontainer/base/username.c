/* SPDX-License-Identifier: Apache-2.0 */
/* username.c: see username.h. */
#include "username.h"

#include "str.h"

#include <pwd.h>
#include <stdio.h>

char *username_find(uid_t uid)
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *pw;
	char *name = NULL;

	while (f && !name && (pw = fgetpwent(f)))
		if (pw->pw_uid == uid)
			name = x_strdup(pw->pw_name);
	if (f)
		(void)fclose(f);
	return name;
}
