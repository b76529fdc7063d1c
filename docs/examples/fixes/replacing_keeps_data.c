// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Attach a program over another one, and reset the value. */
/* [begin shown] */
#include <bpf/bpf.h>

int attach_over_and_reset(int prog, int cgroup, int map,
			  const struct bpf_cgroup_storage_key *key)
{
	__u64 zero = 0;
	int err;

	/* flags 0: the program that is attached is replaced */
	err = bpf_prog_attach(prog, cgroup, key->attach_type, 0);
	if (err)
		return err;
	return bpf_map_update_elem(map, key, &zero, BPF_EXIST);
}
/* [end shown] */
