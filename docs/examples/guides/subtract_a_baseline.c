// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Measure without writing to the map. */
/* [begin shown] */
#include <bpf/bpf.h>

struct measurement {
	int map;
	struct bpf_cgroup_storage_key key;
	__u64 baseline;
};

/* Call this after the program was attached. */
int start(struct measurement *m)
{
	return bpf_map_lookup_elem(m->map, &m->key, &m->baseline);
}

/* Return the packets since the start in @packets. */
int measure(const struct measurement *m, __u64 *packets)
{
	int err = bpf_map_lookup_elem(m->map, &m->key, packets);

	if (!err)
		*packets -= m->baseline;
	return err;
}
/* [end shown] */
