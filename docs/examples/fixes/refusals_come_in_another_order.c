// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Probe for 8-byte keys with a call that has one fault at most. */
/* [begin shown] */
#include <errno.h>
#include <unistd.h>

#include <sys/resource.h>

#include <bpf/bpf.h>

/* 1 if the kernel has 8-byte keys, 0 if not, or a negative errno. */
int has_short_keys(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	int map;

	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		return -errno;
	map = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "probe",
			     sizeof(__u64), sizeof(__u64), 0, NULL);
	if (map < 0)
		return map == -EINVAL ? 0 : map;
	close(map);
	return 1;
}
/* [end shown] */
