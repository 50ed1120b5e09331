/* SPDX-License-Identifier: Apache-2.0 */
/* regions.c: see regions.h. */
#include "regions.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int check(const struct vhost_region *v, int fd, struct err *e)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "look at a memory region's descriptor");
	if (!S_ISREG(st.st_mode) || st.st_size < 0)
		return err_set(e, EPROTO, "a memory region whose descriptor is no memfd or file");
	if (v->size == 0 || v->guest > UINT64_MAX - v->size || v->user > UINT64_MAX - v->size)
		return err_set(e, EPROTO, "a memory region that is empty or wraps");
	if (v->offset > (uint64_t)st.st_size || v->size > (uint64_t)st.st_size - v->offset)
		return err_set(e, EPROTO, "a memory region beyond the end of its file");
	if (v->offset % page || v->guest % page)
		return err_set(e, EPROTO, "a memory region that is not aligned to pages");
	return 0;
}

static int map_one(struct regions *r, const struct vhost_region *v, int fd, struct err *e)
{
	unsigned int n = r->memory.n;
	void *p;
	int ret = check(v, fd, e);

	if (ret < 0)
		return ret;
	p = mmap(NULL, v->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, (off_t)v->offset);
	if (p == MAP_FAILED)
		return err_sys(e, errno, "map a memory region of the guest");
	r->map[n].p = p;
	r->map[n].len = v->size;
	r->memory.region[n] = (struct vq_region){ v->guest, v->size, v->user, p };
	r->memory.n = n + 1;
	return 0;
}

int regions_map(struct regions *r, const struct vhost_msg *m, struct err *e)
{
	int ret = 0;

	regions_unmap(r);
	for (uint32_t i = 0; ret == 0 && i < m->body.memory.n && i < VQ_REGIONS_MAX; i++)
		ret = map_one(r, &m->body.memory.region[i], m->fd[i], e);
	if (ret < 0)
		regions_unmap(r);
	return ret;
}

void regions_unmap(struct regions *r)
{
	for (unsigned int i = 0; i < r->memory.n; i++)
		(void)munmap(r->map[i].p, r->map[i].len);
	*r = (struct regions){ 0 };
}
