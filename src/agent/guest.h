/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest.h: the guest itself, of which the agent is pid 1: from the initramfs of
 * husk-prepare to a system that containers can be started in, and its end.
 *
 * In the initramfs: /init (the agent), /modules/NN-name.ko in the order to load.
 */
#ifndef HUSK_AGENT_GUEST_H
#define HUSK_AGENT_GUEST_H

#include "err.h"
#include "message.h"

#define GUEST_PORT "husk.agent" /* the name of the virtio-serial port to the host */
#define GUEST_FILES_TAG "husk"	/* the tag of the host's virtio-fs */
#define GUEST_FILES "/run/husk-fs"

/* /proc, and standard descriptors: the first of all. May be called again by the copy of husk_seal(). */
int guest_begin(struct err *e);
/* Modules, a root that pivot_root(2) can leave (image: of the disk, image.h), devices, cgroups, the loopback
 * interface. */
int guest_boot(bool image, struct err *e);
/* Mounts the host's files at GUEST_FILES. */
int guest_mount_files(struct err *e);
/* The port to the host, once that is there. */
int guest_open_port(int *out_fd, struct err *e);
/* The host's time and randomness. */
void guest_set_up(const struct message_host_hello *m);
/* Writes the reason, if there is one, on the console and powers off. */
void guest_off(const struct err *why) __attribute__((noreturn));

#endif
