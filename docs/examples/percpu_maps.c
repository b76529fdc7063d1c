// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Count with one program in one value and in one for each CPU, or where the
 * kernel has no per-CPU type, in one value alone.
 */
#include <errno.h>
#include <error.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* [begin shown] */
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

/* Of the two programs only the one that fits the kernel is loaded. */
static struct bpf_object *load(bool percpu, int *prog)
{
	const char *name = percpu ? "count" : "count_packets";
	const char *file = object_file();
	struct bpf_program *program;
	struct bpf_object *obj;
	struct bpf_map *bytes;
	bool wanted;
	int err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	bpf_object__for_each_program(program, obj) {
		wanted = !strcmp(bpf_program__name(program), name);
		bpf_program__set_autoload(program, wanted);
	}
	bytes = bpf_object__find_map_by_name(obj, "bytes");
	err = bpf_map__set_autocreate(bytes, percpu);
	if (!err)
		err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	*prog = bpf_program__fd(bpf_object__find_program_by_name(obj, name));
	return obj;
}
/* [end shown] */

/* A lookup fills a slot for each possible CPU. */
static void show_bytes(struct bpf_object *obj, const void *key)
{
	int map = bpf_object__find_map_fd_by_name(obj, "bytes");
	int err, cpus = libbpf_num_possible_cpus();
	__u64 *slots;

	if (cpus < 0)
		error(1, -cpus, "possible CPUs");
	slots = calloc(cpus, sizeof(*slots));
	if (!slots)
		error(1, ENOMEM, "%d slots", cpus);
	err = bpf_map_lookup_elem(map, key, slots);
	show_numbers("bytes on CPUs 0 and 1", err, slots, 2);
	free(slots);
}

int main(void)
{
	int web = make_cgroup(-1, "web");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	struct bpf_object *obj;
	int prog, map, err;
	__u64 packets = 0;
	bool percpu;

	err = probe_percpu();
	show_result("per-CPU map", err);
	percpu = !err;
	obj = load(percpu, &prog);
	err = bpf_prog_attach(prog, web, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
	run_on_cpu(0);
	send_packet(web);
	run_on_cpu(1);
	send_packet(web);
	send_packet(web);

	map = bpf_object__find_map_fd_by_name(obj, "packets");
	err = bpf_map_lookup_elem(map, &key, &packets);
	show_number("packets", err, packets);
	if (percpu)
		show_bytes(obj, &key);

	bpf_object__close(obj);
	return 0;
}
