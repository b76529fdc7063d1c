// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

int read_per_cpu_count(int map_fd, const struct bpf_cgroup_storage_key *key,
		       __u64 *sum)
{
	int cpu, err, cpus = libbpf_num_possible_cpus();
	__u64 *slots;

	if (cpus < 0)
		return cpus;
	slots = calloc(cpus, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	err = bpf_map_lookup_elem(map_fd, key, slots);
	*sum = 0;
	for (cpu = 0; !err && cpu < cpus; cpu++)
		*sum += slots[cpu];
	free(slots);
	return err;
}
