/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_guest.c: the bytes that a guest sends to husk-mon, and what husk-mon does meanwhile.
 *
 * The input is a row of steps: a byte below 0xf0 gives the guest's state a frame of that type modulo the
 * number of types, with the process and request of the next two bytes and as many bytes of payload as the third
 * says, times 64 for STDOUT; from 0xf0 on it is a question of the host's, or output that was passed on.
 * What holds after each step: no more is held of a stream than was granted, and nobody is told of a process that
 * does not run.
 */
#include "fuzz.h"
#include "guest.h"

#include <assert.h>
#include <string.h>

static struct guest guest;
static size_t held[GUEST_PROCESSES][MESSAGE_STREAMS];

static void answered(void *arg, const struct guest_answer *a)
{
	(void)arg;
	assert(a->process < GUEST_PROCESSES && a->len <= GUEST_ANSWER_MAX);
}

static void output(void *arg, uint32_t process, enum message_stream stream, const void *data, size_t len)
{
	(void)arg;
	(void)data;
	assert(process < GUEST_PROCESSES && stream != MESSAGE_STREAM_STDIN);
	held[process][stream] += len;
	assert(held[process][stream] <= CREDIT_START);
	assert(guest.processes[process].started);
}

static void output_ended(void *arg, uint32_t process, enum message_stream stream)
{
	(void)arg;
	assert(process < GUEST_PROCESSES && stream != MESSAGE_STREAM_STDIN);
	held[process][stream] = 0; /* nothing is granted for it any more */
}

static void exited(void *arg, uint32_t process, int status, uint64_t unread)
{
	(void)arg;
	assert(process < GUEST_PROCESSES && status >= 0 && status <= 255 && unread < SIZE_MAX);
}

static void oom(void *arg)
{
	(void)arg;
}

static void said(void *arg, void *who, const struct message_log *line)
{
	(void)who;
	(void)arg;
	assert(line->len <= MESSAGE_REASON_MAX);
}

static const struct guest_events events = { answered, output, output_ended, exited, oom, said };

static void pass(uint32_t process, enum message_stream stream)
{
	guest_passed(&guest, process, stream, held[process][stream]);
	held[process][stream] = 0;
}

static void host_step(uint8_t what)
{
	const struct message_create c = { .id = "box", .id_len = 3 };
	const struct message_exec x = { 0 };
	const struct message_signal s = { .signal = 1 };
	struct err e = { 0 };
	uint32_t process = 0;

	switch (what) {
	case 0xf0:
		(void)guest_create(&guest, &c, "{}", &guest, &e);
		break;
	case 0xf1:
		(void)guest_start(&guest, &guest, &e);
		break;
	case 0xf2:
		(void)guest_exec(&guest, &x, "{}", 2, &guest, 5, &process, &e);
		break;
	case 0xf3:
		(void)guest_signal(&guest, 0, &s, &guest, 5, &e);
		break;
	case 0xf4:
		(void)guest_ask(&guest, MSG_PS, NULL, 0, &guest, 0, &e);
		break;
	case 0xf7:
		(void)guest_ask(&guest, MSG_MOUNTS_ADD, "[]", 2, &guest, 5, &e);
		break;
	case 0xf5:
		(void)guest_expired(&guest, 10);
		break;
	case 0xf6:
		if (guest_input_room(&guest, 0))
			guest_input(&guest, 0, "x", 1);
		break;
	default:
		pass(what & 1, what & 2 ? MESSAGE_STREAM_STDOUT : MESSAGE_STREAM_STDERR);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t payload[255 * 64];
	struct err e = { 0 };
	int r = 0;

	memset(held, 0, sizeof(held));
	guest_init(&guest, &events, NULL);
	for (size_t i = 0; r == 0 && i < size; i++) {
		struct frame f = { .type = data[i] % MSG_TYPE_END };
		size_t left = size - i - 1;

		if (data[i] >= 0xf0) {
			host_step(data[i]);
			continue;
		}
		if (left < 3)
			break;
		f.process = data[i + 1] == 0xff ? UINT32_MAX : data[i + 1];
		f.request = data[i + 2];
		f.len = data[i + 3];
		i += 3;
		left -= 3;
		memcpy(payload, data + i + 1, f.len < left ? f.len : left);
		i += f.len < left ? f.len : left;
		if (f.type == MSG_STDOUT || f.type == MSG_STDERR)
			f.len *= 64;
		f.payload = f.len ? payload : NULL;
		r = guest_take(&guest, &f, &e);
	}
	assert(r == 0 || (r == -EPROTO && e.msg[0]));
	guest_free(&guest);
	return 0;
}
