// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Replace a program, and reset the value that it left. */
/* [begin shown] */
#include <bpf/bpf.h>

int replace_and_reset(int cgroup, int old, int new, int map,
		      const struct bpf_cgroup_storage_key *key)
{
	LIBBPF_OPTS(bpf_prog_attach_opts, opts,
		.flags = BPF_F_ALLOW_MULTI | BPF_F_REPLACE,
		.replace_prog_fd = old,
	);
	__u64 zero = 0;
	int err;

	err = bpf_prog_attach_opts(new, cgroup, key->attach_type, &opts);
	if (err)
		return err;
	return bpf_map_update_elem(map, key, &zero, BPF_EXIST);
}
/* [end shown] */
