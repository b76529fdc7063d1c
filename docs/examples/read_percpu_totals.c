// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Read the total of a per-CPU entry: one lookup fills a slot for each
 * possible CPU, and the slots are added up.
 */
#include <errno.h>
#include <error.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

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

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	int prog, map, cpu, cpus, err;
	struct bpf_object *obj;
	__u64 *bytes, total = 0;

	err = probe_percpu();
	show_result("per-CPU map", err);
	if (err)
		return 0;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));
	map = bpf_object__find_map_fd_by_name(obj, "bytes");
	if (prog < 0 || map < 0)
		error(1, ENOENT, "count or bytes in %s", file);
	err = bpf_prog_attach(prog, web, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
	run_on_cpu(0);
	send_packet(web);
	run_on_cpu(1);
	send_packet(web);
	send_packet(web);

	/* possible CPUs, not online ones; a slot is a multiple of 8 bytes */
	cpus = libbpf_num_possible_cpus();
	if (cpus < 0)
		error(1, -cpus, "possible CPUs");
	bytes = calloc(cpus, sizeof(*bytes));
	if (!bytes)
		error(1, ENOMEM, "%d slots", cpus);
	err = bpf_map_lookup_elem(map, &key, bytes);
	if (err)
		error(1, -err, "lookup");
	for (cpu = 0; cpu < cpus; cpu++)
		total += bytes[cpu];
	show_numbers("CPUs 0 and 1", 0, bytes, 2);
	show_number("total", 0, total);

	free(bytes);
	bpf_object__close(obj);
	return 0;
}
