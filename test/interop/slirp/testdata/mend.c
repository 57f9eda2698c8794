/* Debian's slirp 1.0.17 asks select(2) for a time-out of 4294967295 us (-1 once) before its link is up. That is refused,
 * and slirp ends. Preloaded, this select waits 50 ms instead. */
#define _GNU_SOURCE
#include <sys/select.h>
#include <stdlib.h>
#include <time.h>

int select(int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *t)
{
	struct timespec ts;
	if (t == NULL)
		return pselect(n, r, w, e, NULL, NULL);
	ts.tv_sec = t->tv_sec;
	ts.tv_nsec = t->tv_usec * 1000;
	if (t->tv_sec < 0 || t->tv_usec < 0 || t->tv_usec >= 1000000) {
		ts.tv_sec = 0;
		ts.tv_nsec = 50 * 1000 * 1000;
	}
	return pselect(n, r, w, e, &ts, NULL);
}

/* It also keeps pointers to memory in 32 bits (as the headers in its mbufs have room for), and crashes with the first TCP
 * segment where memory lies higher. Preloaded, this malloc takes memory from below 4 GiB and never gives it back: a test
 * is short. */
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

enum { ARENA = 512 << 20, HEAD = 16 };

static char *arena;
static size_t used;

void *malloc(size_t n)
{
	char *p;
	if (arena == NULL) {
		arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_32BIT, -1, 0);
		if (arena == MAP_FAILED)
			_Exit(99);
	}
	n = (n + 15) & ~(size_t)15;
	if (n > ARENA - HEAD || used > ARENA - HEAD - n)
		return NULL;
	p = arena + used;
	*(size_t *)p = n;
	used += n + HEAD;
	return p + HEAD;
}

void free(void *p) { (void)p; }

void *calloc(size_t n, size_t size) { return size != 0 && n > ARENA / size ? NULL : malloc(n * size); }

void *realloc(void *old, size_t n)
{
	void *p = malloc(n);
	size_t had;
	if (p != NULL && old != NULL) {
		had = *(size_t *)((char *)old - HEAD);
		memcpy(p, old, had < n ? had : n);
	}
	return p;
}
