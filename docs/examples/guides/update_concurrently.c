// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Close a gate while programs run. */
/* [begin shown] */
#include <errno.h>

#include <linux/bpf.h>
#include <bpf/bpf.h>

struct limits {
	struct bpf_spin_lock lock;
	__u64 closed;
};

int close_gate(int limits, const struct bpf_cgroup_storage_key *key)
{
	struct limits closed = { .closed = 1 };
	int err;

	/* In place, under the lock. Without a lock, the kernel rejects it. */
	err = bpf_map_update_elem(limits, key, &closed, BPF_F_LOCK | BPF_EXIST);
	if (err == -EINVAL)
		err = bpf_map_update_elem(limits, key, &closed, BPF_EXIST);
	return err;
}
/* [end shown] */
