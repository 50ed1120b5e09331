/* SPDX-License-Identifier: Apache-2.0 */
/* property.c: see property.h. */
#include "property.h"

#include "bitlist.h"
#include "bus.h"
#include "str.h"
#include "unitprop.h"

#include <stdint.h>
#include <string.h>

#define CPUS_MAX 8192 /* as systemd: the greatest CONFIG_NR_CPUS of Linux */

enum kind {
	NUMBER, /* t; "infinity" is its greatest value */
	TRUTH,	/* b */
	TEXT,	/* s */
	SET,	/* ay: a bit for each number of "0-3,7" */
};

static const struct property {
	const char *name;
	enum kind kind;
} properties[] = {
	{ "AllowedCPUs", SET },
	{ "AllowedMemoryNodes", SET },
	{ "CPUAccounting", TRUTH },
	{ "CPUQuotaPerSecUSec", NUMBER },
	{ "CPUQuotaPeriodUSec", NUMBER },
	{ "CPUWeight", NUMBER },
	{ "CollectMode", TEXT },
	{ "DefaultDependencies", TRUTH },
	{ "Delegate", TRUTH },
	{ "Description", TEXT },
	{ "IOAccounting", TRUTH },
	{ "IOWeight", NUMBER },
	{ "MemoryAccounting", TRUTH },
	{ "MemoryHigh", NUMBER },
	{ "MemoryLow", NUMBER },
	{ "MemoryMax", NUMBER },
	{ "MemoryMin", NUMBER },
	{ "MemorySwapMax", NUMBER },
	{ "Slice", TEXT },
	{ "TasksAccounting", TRUTH },
	{ "TasksMax", NUMBER },
};

static const struct property *find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(properties); i++)
		if (strlen(properties[i].name) == len && strncmp(properties[i].name, name, len) == 0)
			return &properties[i];
	return NULL;
}

static int append_number(sd_bus_message *m, const char *value)
{
	uint64_t n = UINT64_MAX;

	if (!str_eq(value, "infinity") && str_u64(value, UINT64_MAX, &n) < 0)
		return -EINVAL;
	return sd_bus_message_append(m, "v", "t", n);
}

static int append_truth(sd_bus_message *m, const char *value)
{
	if (!str_eq(value, "true") && !str_eq(value, "false"))
		return -EINVAL;
	return sd_bus_message_append(m, "v", "b", str_eq(value, "true"));
}

/* Byte by byte, the lowest number in the lowest bit; an empty list is no byte. */
static int append_set(sd_bus_message *m, const char *value)
{
	unsigned long bits[BITLIST_WORDS(CPUS_MAX)] = { 0 };
	uint8_t bytes[CPUS_MAX / 8] = { 0 };
	size_t used = 0;
	int r = *value ? bitlist_parse(value, CPUS_MAX, bits) : 0;

	if (r < 0)
		return r;
	for (size_t i = 0; i < CPUS_MAX; i++) {
		if (!bitlist_has(bits, i))
			continue;
		bytes[i / 8] |= (uint8_t)(1U << (i % 8));
		used = i / 8 + 1;
	}
	r = sd_bus_message_open_container(m, 'v', "ay");
	if (r >= 0)
		r = sd_bus_message_append_array(m, 'y', bytes, used);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_value(sd_bus_message *m, enum kind kind, const char *value)
{
	switch (kind) {
	case NUMBER:
		return append_number(m, value);
	case TRUTH:
		return append_truth(m, value);
	case SET:
		return append_set(m, value);
	default:
		return sd_bus_message_append(m, "v", "s", value);
	}
}

/* ---- of annotations ---- */

static int append_gvariant(sd_bus_message *m, const struct gvariant *v)
{
	uint64_t bits = v->negative ? 0 - v->magnitude : v->magnitude;
	int r = sd_bus_message_open_container(m, 'v', v->type);

	if (r < 0)
		return r;
	switch (v->type[0]) {
	case 'y':
		r = sd_bus_message_append(m, "y", (uint8_t)bits);
		break;
	case 'n':
		r = sd_bus_message_append(m, "n", (int16_t)bits);
		break;
	case 'q':
		r = sd_bus_message_append(m, "q", (uint16_t)bits);
		break;
	case 'i':
		r = sd_bus_message_append(m, "i", (int32_t)bits);
		break;
	case 'u':
		r = sd_bus_message_append(m, "u", (uint32_t)bits);
		break;
	case 'x':
		r = sd_bus_message_append(m, "x", (int64_t)bits);
		break;
	case 't':
		r = sd_bus_message_append(m, "t", bits);
		break;
	case 'b':
		r = sd_bus_message_append(m, "b", (int)bits);
		break;
	case 's':
		r = sd_bus_message_append(m, "s", v->strings[0]);
		break;
	default:
		r = sd_bus_message_append_strv(m, v->strings);
	}
	return r < 0 ? r : sd_bus_message_close_container(m);
}

/* text: behind the '@'. */
static int append_given(sd_bus_message *m, const char *text, struct err *e)
{
	size_t len = strcspn(text, "=");
	AUTO_FREE char *name = x_printf("%.*s", (int)len, text);
	struct unitprop p;
	int r = unitprop_parse(name, text[len] ? text + len + 1 : "", &p, e);

	if (r == 0) {
		r = sd_bus_message_open_container(m, 'r', "sv");
		if (r >= 0)
			r = sd_bus_message_append(m, "s", p.name);
		if (r >= 0)
			r = append_gvariant(m, &p.value);
		if (r >= 0)
			r = sd_bus_message_close_container(m);
		if (r < 0)
			r = err_sys(e, -r, "property %s", name);
	}
	unitprop_free(&p);
	return r;
}

/* ---- */

int property_append(sd_bus_message *m, const char *text, struct err *e)
{
	size_t len = strcspn(text, "=");
	const struct property *p = find(text, len);
	int r;

	if (*text == '@')
		return append_given(m, text + 1, e);
	if (!p || !text[len])
		return err_set(e, EINVAL, "no property of a unit that husk sets: '%s'", text);
	r = sd_bus_message_open_container(m, 'r', "sv");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", p->name);
	if (r >= 0)
		r = append_value(m, p->kind, text + len + 1);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r == -EINVAL || r == -ERANGE)
		return err_set(e, EINVAL, "property %s: cannot be '%s'", p->name, text + len + 1);
	return r < 0 ? err_sys(e, -r, "property %s", p->name) : 0;
}
