/* SPDX-License-Identifier: Apache-2.0 */
/* passwd.h: a user's home from the container's own /etc/passwd (passwd(5)). The file belongs to
 * the image: it may say anything. */
#ifndef HUSK_LINUX_PASSWD_H
#define HUSK_LINUX_PASSWD_H

#include "err.h"

#include <stddef.h>
#include <sys/types.h>

#define PASSWD_FILE_MAX (1U << 20) /* bytes of the file */
#define PASSWD_LINE_MAX 4096	   /* bytes of a line that is looked at; longer ones are skipped */

/* The home of uid, by etc/passwd below rootfd, into out, NUL-terminated. "/" where there is no
 * such file, or none that is regular or that the caller may read, no entry for uid, or no absolute
 * path in it. Fails when the file is larger than PASSWD_FILE_MAX or reading it fails. */
int passwd_home(int rootfd, uid_t uid, char *out, size_t size, struct err *e);

/* The same from text, which may hold any bytes. The first good entry for uid counts. 0, -ENOENT
 * when there is none, -ENAMETOOLONG when its home does not fit; out is untouched then. */
int passwd_find_home(const char *text, size_t len, uid_t uid, char *out, size_t size);

#endif
