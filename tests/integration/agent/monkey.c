/* SPDX-License-Identifier: Apache-2.0 */
/* monkey.c: requests that an honest host may make, in an order that chance chooses. */
#include "peer.h"
#include "str.h"

static uint32_t next_random(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525 + 1013904223; /* Numerical Recipes */
	return (*seed >> 8) % below;
}

static void monkey_stdin(uint32_t n, uint32_t *seed)
{
	static const char buf[FRAME_PAYLOAD_MAX];
	struct number *x = number(n);
	uint32_t len = next_random(seed, sizeof(buf)) + 1;

	if (len > x->in.left)
		len = x->in.left;
	if (x->eof || !len)
		return;
	credit_sender_use(&x->in, len);
	x->sent += len;
	(void)message_put_data(&d.w, MSG_STDIN, n, buf, len);
}

/* last: the highest number that was used; now and then one that was not, or has ended, is asked for. */
static void monkey_step(uint32_t *seed, uint32_t *last, const char *file)
{
	static const int signals[] = { 1, 2, 9, 10, 15, 17, 19, 18, 28 };
	uint32_t n = next_random(seed, *last + 2), request = d.requests + 1;
	struct message_close output = { .stream = 1 + next_random(seed, 2) };
	struct message_terminal terminal = { .terminal = next_random(seed, 4) == 0, .size = { 80, 25 } };
	struct message_exec exec = { .terminal = terminal };
	struct message_signal sig = { .signal = (uint32_t)signals[next_random(seed, ARRAY_LEN(signals))] };

	switch (next_random(seed, 14)) {
	case 0:
	case 1:
	case 2:
		put_file(file);
		(void)message_put_exec(&d.w, *last < NUMBERS - 2 ? ++*last : *last, request, &exec);
		break;
	case 3:
	case 4:
		if (n == 0)
			return;
		(void)message_put_signal(&d.w, n, request, &sig);
		break;
	case 5:
		(void)message_put_resize(&d.w, n, request, &terminal.size);
		break;
	case 6:
	case 7:
		monkey_stdin(n, seed);
		return;
	case 8:
		number(n)->eof = true;
		(void)message_put(&d.w, MSG_STDIN_EOF, n, 0);
		return;
	case 9:
		(void)message_put_close(&d.w, n, &output);
		return;
	case 10:
		(void)message_put(&d.w, MSG_PS, 0, request);
		break;
	case 11:
		(void)message_put(&d.w, next_random(seed, 2) ? MSG_START : MSG_STATS, 0, request);
		break;
	case 12:
		d.hold = !d.hold;
		if (!d.hold)
			release();
		return;
	default:
		turn((int)next_random(seed, 30));
		return;
	}
	d.requests++;
}

void monkey(uint32_t seed, uint32_t count, const char *file)
{
	uint32_t last = 0;

	while (count-- && !d.end) {
		monkey_step(&seed, &last, file);
		turn(0);
	}
	until(is_answered, NULL, "an answer");
	release();
}
