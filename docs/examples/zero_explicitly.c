// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Start each measurement at zero: after attaching, write zeros to the entry,
 * in the shared map one value, in the per-CPU map one for each CPU.
 */
#include <errno.h>
#include <error.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

static struct bpf_cgroup_storage_key key;
static int web, prog, counts, per_cpu, cpus;
static __u64 *slots;	/* one for each possible CPU */

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

/* Load the program for this kernel: with the per-CPU map, or without. */
static struct bpf_object *load(int have_percpu)
{
	const char *file = object_file(), *name;
	struct bpf_program *both, *shared;
	struct bpf_object *obj;
	struct bpf_map *map;
	int err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	both = bpf_object__find_program_by_name(obj, "count_both");
	shared = bpf_object__find_program_by_name(obj, "count");
	map = bpf_object__find_map_by_name(obj, "per_cpu");
	if (!both || !shared || !map)
		error(1, ENOENT, "a part of %s", file);
	bpf_program__set_autoload(both, have_percpu);
	bpf_program__set_autoload(shared, !have_percpu);
	bpf_map__set_autocreate(map, have_percpu);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);

	name = have_percpu ? "count_both" : "count";
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, name));
	counts = bpf_object__find_map_fd_by_name(obj, "counts");
	per_cpu = have_percpu ? bpf_map__fd(map) : -1;
	return obj;
}

/* [begin shown] */
static void begin_measurement(void)
{
	__u64 zero = 0;
	int cpu, err;

	err = bpf_prog_attach(prog, web, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");

	err = bpf_map_update_elem(counts, &key, &zero, BPF_EXIST);
	if (err)
		error(1, -err, "zero");
	if (per_cpu < 0)
		return;
	for (cpu = 0; cpu < cpus; cpu++)
		slots[cpu] = 0;
	err = bpf_map_update_elem(per_cpu, &key, slots, BPF_EXIST);
	if (err)
		error(1, -err, "zero each CPU");
}
/* [end shown] */

static void show_counter(const char *label)
{
	__u64 packets = 0;
	int err;

	err = bpf_map_lookup_elem(counts, &key, &packets);
	show_number(label, err, packets);
}

static void show_cpus(const char *label)
{
	int err;

	if (per_cpu < 0)
		return;
	err = bpf_map_lookup_elem(per_cpu, &key, slots);
	show_numbers(label, err, slots, 2);
}

int main(void)
{
	struct bpf_object *obj;
	int err;

	web = make_cgroup(-1, "web");
	key.cgroup_inode_id = cgroup_id(web);
	key.attach_type = BPF_CGROUP_INET_EGRESS;
	cpus = libbpf_num_possible_cpus();
	if (cpus < 0)
		error(1, -cpus, "possible CPUs");
	slots = calloc(cpus, sizeof(*slots));
	if (!slots)
		error(1, ENOMEM, "%d slots", cpus);

	err = probe_percpu();
	show_result("per-CPU map", err);
	obj = load(!err);

	begin_measurement();
	run_on_cpu(1);
	send_packet(web);
	show_counter("first measurement");

	err = bpf_prog_detach2(prog, web, BPF_CGROUP_INET_EGRESS);
	if (err)
		error(1, -err, "detach");
	begin_measurement();
	show_counter("second starts at");
	show_cpus("CPUs start at");
	run_on_cpu(0);
	send_packet(web);
	show_counter("second measurement");
	show_cpus("CPUs measure");

	free(slots);
	bpf_object__close(obj);
	return 0;
}
