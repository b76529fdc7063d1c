// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Raise RLIMIT_MEMLOCK, which kernels before 5.11 check. */
/* [begin shown] */
#include <errno.h>

#include <sys/resource.h>

int raise_memlock(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	return setrlimit(RLIMIT_MEMLOCK, &limit) ? -errno : 0;
}
/* [end shown] */
