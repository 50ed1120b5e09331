/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_events.c: husk events. One JSON object a line, as runc prints them. */
#include "cmd.h"
#include "vm_control.h"
#include "vm_events.h"

#include <string.h>

#define DEFAULT_INTERVAL_MS 5000
#define INTERVAL_MAX_MS 86400000 /* a day */

struct events_options {
	const char *interval;
	bool stats;
};

static int print(char *json, void *arg, struct err *e)
{
	(void)arg;
	return cmd_print_line(json, e);
}

/* One number and its unit, "1.5s", as Go's time.ParseDuration has it: *s moves behind. */
static int read_part(const char **s, double *out_ms)
{
	static const struct {
		const char *name;
		double ms;
	} units[] = { { "ms", 1 }, { "us", 0.001 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	double value = 0, scale = 1;
	size_t digits = 0;

	for (; **s >= '0' && **s <= '9' && digits < 16; (*s)++, digits++)
		value = value * 10 + (**s - '0');
	if (**s == '.')
		for ((*s)++; **s >= '0' && **s <= '9' && digits < 16; (*s)++, digits++)
			value += (**s - '0') * (scale /= 10);
	if (digits == 0)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (str_starts(*s, units[i].name)) {
			*s += strlen(units[i].name);
			*out_ms += value * units[i].ms;
			return 0;
		}
	return -EINVAL;
}

static int read_interval(const char *text, int64_t *out_ms, struct err *e)
{
	double ms = 0;
	const char *s = text;
	int r = 0;

	*out_ms = DEFAULT_INTERVAL_MS;
	if (!text)
		return 0;
	while (r == 0 && *s)
		r = read_part(&s, &ms);
	if (r < 0 || ms < 1 || ms > INTERVAL_MAX_MS)
		return err_set(e, EINVAL, "option '--interval': expected a time such as 5s, 500ms or 1m30s, got '%s'",
			       text);
	*out_ms = (int64_t)ms;
	return 0;
}

static int run(const struct husk_ctx *ctx, const void *options, char **words, int *out_status, struct err *e)
{
	const struct events_options *o = options;
	int64_t ms;
	int r = read_interval(o->interval, &ms, e);

	(void)out_status;
	if (r == 0 && vm_control_is_vm(ctx, words[0]))
		return vm_events(ctx, words[0], o->stats ? 0 : ms, print, NULL, e);
	return r < 0 ? r : husk_events(ctx, words[0], o->stats ? 0 : ms, print, NULL, e);
}

#define AT(member) offsetof(struct events_options, member)

static const struct option_def options_table[] = {
	{ "interval", 0, OPTION_STRING, AT(interval), "TIME", "between two lines of statistics (default: 5s)" },
	{ "stats", 0, OPTION_FLAG, AT(stats), NULL, "print the statistics once and end" },
	{ 0 },
};

const struct cmd cmd_events = {
	.name = "events",
	.operands = "ID",
	.summary = "Print what a container uses, and when memory runs out in it.",
	.options = options_table,
	.options_size = sizeof(struct events_options),
	.min_words = 1,
	.max_words = 1,
	.wants_rootless = true,
	.failed_status = CMD_FAILED,
	.run = run,
};
