/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.h: the frames between a host and the agent in its guest, as bytes.
 *
 * A frame is a header of FRAME_HEADER bytes, little endian, and a payload:
 *
 *   u32 length of the payload, u16 type, u16 flags (0), u32 process, u32 request
 *
 * Reader and writer work on buffers alone; who owns the descriptor moves the bytes.
 * Nothing is allocated by a length that the other end claims: the reader has room
 * for one frame of the largest size, the writer for as many bytes as its owner said.
 * What a type means is message.h's.
 */
#ifndef HUSK_PROTO_FRAME_H
#define HUSK_PROTO_FRAME_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>

#define FRAME_HEADER 16
#define FRAME_PAYLOAD_MAX 65536
#define FRAME_MAX (FRAME_HEADER + FRAME_PAYLOAD_MAX)

struct frame {
	uint16_t type;
	uint32_t process;	/* 0: the container's init; else an exec'd one, numbered by the host */
	uint32_t request;	/* chosen by who asks, repeated in the answer; 0: no answer is due */
	const uint8_t *payload; /* not owned; NULL when len is 0 */
	size_t len;		/* <= FRAME_PAYLOAD_MAX */
};

/* The header alone. Decoding leaves payload NULL; -EPROTO for a length or flags that are not allowed. */
void frame_header_encode(const struct frame *f, uint8_t out[FRAME_HEADER]);
int frame_header_decode(const uint8_t in[FRAME_HEADER], struct frame *out, struct err *e);

struct frame_reader {
	uint8_t *buf; /* FRAME_MAX bytes; owned */
	size_t start, end;
};

void frame_reader_init(struct frame_reader *r);
void frame_reader_free(struct frame_reader *r);
/* Where the next bytes go, and how many there is room for: never 0 after frame_reader_next() has returned 0.
 * Ends the life of payloads handed out before. */
uint8_t *frame_reader_space(struct frame_reader *r, size_t *out_len);
/* len bytes were put there. */
void frame_reader_added(struct frame_reader *r, size_t len);
/* 1 and *out, whose payload lives until frame_reader_space(); 0: more bytes are needed; -EPROTO. */
int frame_reader_next(struct frame_reader *r, struct frame *out, struct err *e);
/* Bytes of a frame that is not whole yet: at the end of the stream, 0 or it was cut off. */
size_t frame_reader_pending(const struct frame_reader *r);

struct frame_writer {
	uint8_t *buf; /* owned */
	size_t start, end, cap, max;
};

/* max: the most bytes that may wait. */
void frame_writer_init(struct frame_writer *w, size_t max);
void frame_writer_free(struct frame_writer *w);
/* Appends a frame: all of it, or -ENOBUFS when it has no room (f->len above FRAME_PAYLOAD_MAX: never). */
int frame_write(struct frame_writer *w, const struct frame *f);
/* The bytes that wait. */
const uint8_t *frame_writer_pending(const struct frame_writer *w, size_t *out_len);
/* The first len of them are on their way. */
void frame_writer_sent(struct frame_writer *w, size_t len);
/* The longest payload that still has room; 0: not even an empty frame, or just that. */
size_t frame_writer_room(const struct frame_writer *w);

#endif
