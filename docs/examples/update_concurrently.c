// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Update while programs run: user space writes under the value's lock where
 * the kernel has one, and by a plain update where it has none.
 */
#include <errno.h>
#include <error.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

struct limits {
	struct bpf_spin_lock lock;	/* reads back as zero */
	__u64 closed;
};

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

/*
 * Whether the kernel takes BTF for the map. Where it does not, libbpf has
 * made the map without, and there is no lock.
 */
static int probe_btf(struct bpf_object *obj, __u32 key, __u32 value)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts,
		.btf_fd = bpf_object__btf_fd(obj),
		.btf_key_type_id = key,
		.btf_value_type_id = value);
	int fd;

	fd = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "probe",
			    sizeof(struct bpf_cgroup_storage_key),
			    sizeof(struct limits), 0, &opts);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static __u64 add_up(int counts, const void *key)
{
	int cpu, err, cpus = libbpf_num_possible_cpus();
	__u64 *slots, total = 0;

	if (cpus < 0)
		error(1, -cpus, "possible CPUs");
	slots = calloc(cpus, sizeof(*slots));
	if (!slots)
		error(1, ENOMEM, "%d slots", cpus);
	err = bpf_map_lookup_elem(counts, key, slots);
	if (err)
		error(1, -err, "lookup");
	for (cpu = 0; cpu < cpus; cpu++)
		total += slots[cpu];
	free(slots);
	return total;
}

/* [begin shown] */
/* Close the gate: programs see the old value or the new one, all of it. */
static void close_gate(int limits, const void *key)
{
	struct limits closed = { .closed = 1 };
	int err;

	/* in place, under the lock: EINVAL where the kernel found none */
	err = bpf_map_update_elem(limits, key, &closed, BPF_F_LOCK | BPF_EXIST);
	show_result("locked update", err);

	/* a new buffer in the place of the old one */
	if (err == -EINVAL)
		err = bpf_map_update_elem(limits, key, &closed, BPF_EXIST);
	if (err)
		error(1, -err, "update");
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
	__u32 key_type, value_type;
	struct bpf_object *obj;
	struct bpf_map *limits;
	int prog, counts, err;

	err = probe_percpu();
	show_result("per-CPU map", err);
	if (err)
		return 0;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	limits = bpf_object__find_map_by_name(obj, "limits");
	if (!limits)
		error(1, ENOENT, "limits in %s", file);
	key_type = bpf_map__btf_key_type_id(limits);
	value_type = bpf_map__btf_value_type_id(limits);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	show_result("lock in value", probe_btf(obj, key_type, value_type));

	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "gate"));
	counts = bpf_object__find_map_fd_by_name(obj, "counts");
	err = bpf_prog_attach(prog, web, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
	run_on_cpu(0);
	show_verdict("packet", try_to_send(web));
	close_gate(bpf_map__fd(limits), &key);
	run_on_cpu(1);
	show_verdict("next packet", try_to_send(web));
	show_number("packets", 0, add_up(counts, &key));

	bpf_object__close(obj);
	return 0;
}
