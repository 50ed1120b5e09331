/* SPDX-License-Identifier: Apache-2.0 */
/* personality.c: see personality.h. */
#include "personality.h"

#include "plan.h"
#include "str.h"

#include <sys/personality.h>

int personality_number(const char *name)
{
	if (str_eq(name, "LINUX"))
		return PER_LINUX;
	return str_eq(name, "LINUX32") ? PER_LINUX32 : -EINVAL;
}

int personality_apply(const struct personality_step *step, struct err *e)
{
	if (step->name && personality((unsigned long)step->persona) < 0)
		return err_sys(e, errno, "linux.personality: become '%s'", step->name);
	return 0;
}
