/* SPDX-License-Identifier: Apache-2.0 */
/* terminal_raw.h: the host's terminal only carries bytes: what they mean is decided by the one in the guest. */
#ifndef HUSK_MON_TERMINAL_RAW_H
#define HUSK_MON_TERMINAL_RAW_H

#include <termios.h>

static inline void terminal_raw(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t) < 0)
		return;
	cfmakeraw(&t);
	(void)tcsetattr(fd, TCSANOW, &t);
}

#endif
