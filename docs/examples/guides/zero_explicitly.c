// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reset the storage of a key, after the program was attached. */
/* [begin shown] */
#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* Reset a value of 8 bytes in a BPF_MAP_TYPE_CGROUP_STORAGE. */
int reset_shared(int map, const struct bpf_cgroup_storage_key *key)
{
	__u64 zero = 0;

	return bpf_map_update_elem(map, key, &zero, BPF_EXIST);
}

/* The same in a BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, for each possible CPU. */
int reset_percpu(int map, const struct bpf_cgroup_storage_key *key)
{
	int err, cpus = libbpf_num_possible_cpus();
	__u64 *zeros;

	if (cpus < 0)
		return cpus;
	zeros = calloc(cpus, sizeof(*zeros));
	if (!zeros)
		return -ENOMEM;
	err = bpf_map_update_elem(map, key, zeros, BPF_EXIST);
	free(zeros);
	return err;
}
/* [end shown] */
