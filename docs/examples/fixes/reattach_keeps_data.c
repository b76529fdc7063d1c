// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Attach a program, and reset its counter to zero on every release. */
/* [begin shown] */
#include <bpf/bpf.h>

int attach_and_reset(int prog, int cgroup, __u64 cgroup_id, int map)
{
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id,
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	__u64 zero = 0;
	int err;

	err = bpf_prog_attach(prog, cgroup, key.attach_type, BPF_F_ALLOW_MULTI);
	if (err)
		return err;
	return bpf_map_update_elem(map, &key, &zero, BPF_EXIST);
}
/* [end shown] */
