// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Read the value of one CPU on every release. */
/* [begin shown] */
#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

int read_cpu(int map, const void *key, int cpu, __u64 *value)
{
	int err, cpus = libbpf_num_possible_cpus();
	__u64 *values;

	if (cpus < 0)
		return cpus;
	if (cpu < 0 || cpu >= cpus)
		return -ERANGE;
	values = calloc(cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	err = bpf_map_lookup_elem(map, key, values);
	*value = values[cpu];
	free(values);
	return err;
}
/* [end shown] */
