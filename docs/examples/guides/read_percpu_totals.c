// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Add up the values of all CPUs. */
/* [begin shown] */
#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

int read_total(int map, const struct bpf_cgroup_storage_key *key, __u64 *total)
{
	int cpu, err, cpus = libbpf_num_possible_cpus();
	__u64 *values;

	if (cpus < 0)
		return cpus;
	values = calloc(cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	err = bpf_map_lookup_elem(map, key, values);
	*total = 0;
	for (cpu = 0; !err && cpu < cpus; cpu++)
		*total += values[cpu];
	free(values);
	return err;
}
/* [end shown] */
