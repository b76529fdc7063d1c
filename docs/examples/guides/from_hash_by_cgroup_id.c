// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Load and attach the program. */
/* [begin shown] */
#include <errno.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* Call this before loading: kernels before 5.9 require the 16-byte key. */
int choose_key_size(struct bpf_map *counts)
{
	int fd;

	fd = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "probe", sizeof(__u64),
			    sizeof(__u64), 0, NULL);
	if (fd == -EINVAL)
		return bpf_map__set_key_size(counts,
				sizeof(struct bpf_cgroup_storage_key));
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* Create the entry of a cgroup: its attachment hides that of its parent. */
int count_cgroup(int cgroup, int prog)
{
	return bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS,
			       BPF_F_ALLOW_OVERRIDE);
}
/* [end shown] */
