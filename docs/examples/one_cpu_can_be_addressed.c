// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Read and write the value of one CPU by a flag, which works since 7.0, and
 * those of all CPUs, which works on every release.
 */
#include <errno.h>
#include <error.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* The number of the CPU stands in the upper half of the flags. */
#define ONE_CPU		8ULL	/* BPF_F_CPU, since 7.0 */
#define ALL_CPUS	16ULL	/* BPF_F_ALL_CPUS, since 7.0 */

/* The type exists since 4.20. */
static int probe_percpu(void)
{
	int fd;

	fd = bpf_map_create(BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, "probe",
			    sizeof(struct bpf_cgroup_storage_key),
			    sizeof(__u64), 0, NULL);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* Without a flag: a slot for each possible CPU. */
static void show_cpus(const char *label, int map, const void *key)
{
	int err, cpus = libbpf_num_possible_cpus();
	__u64 *slots;

	if (cpus < 0)
		error(1, -cpus, "possible CPUs");
	slots = calloc(cpus, sizeof(*slots));
	if (!slots)
		error(1, ENOMEM, "%d slots", cpus);
	err = bpf_map_lookup_elem(map, key, slots);
	show_numbers(label, err, slots, cpus < 2 ? cpus : 2);
	free(slots);
}

/* [begin shown] */
/* With a flag: one value. */
static void try_flags(int map, const void *key)
{
	__u64 one = 0, seven = 7, five = 5;
	int err;

	err = bpf_map_lookup_elem_flags(map, key, &one, ONE_CPU | 1ULL << 32);
	show_number("read CPU 1", err, one);
	err = bpf_map_update_elem(map, key, &seven, ONE_CPU | 0ULL << 32);
	show_result("write CPU 0", err);
	show_cpus("then every CPU", map, key);
	err = bpf_map_update_elem(map, key, &five, ALL_CPUS);
	show_result("write all CPUs", err);
	show_cpus("in the end", map, key);
}
/* [end shown] */

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	struct bpf_object *obj;
	int prog, counts, err;

	err = probe_percpu();
	show_result("create", err);
	if (err)
		return 0;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));
	counts = bpf_object__find_map_fd_by_name(obj, "counts");
	if (prog < 0 || counts < 0)
		error(1, ENOENT, "count or counts in %s", file);
	err = bpf_prog_attach(prog, web, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
	run_on_cpu(1);
	send_packet(web);
	show_cpus("every CPU", counts, &key);
	try_flags(counts, &key);

	bpf_object__close(obj);
	return 0;
}
