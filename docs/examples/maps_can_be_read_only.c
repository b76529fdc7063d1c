// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Freeze a map that a program writes, and create one that programs can only
 * read. Before 5.2, both fail with EINVAL.
 */
#include <errno.h>
#include <error.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* Load one of the programs, with the map that it uses. */
static int load(const char *prog_name, const char *map_name,
		struct bpf_object **loaded)
{
	const char *file = object_file();
	struct bpf_program *program;
	struct bpf_object *obj;
	struct bpf_map *map;
	bool wanted;
	int err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	bpf_object__for_each_program(program, obj) {
		wanted = !strcmp(bpf_program__name(program), prog_name);
		bpf_program__set_autoload(program, wanted);
	}
	bpf_object__for_each_map(map, obj) {
		wanted = !strcmp(bpf_map__name(map), map_name);
		bpf_map__set_autocreate(map, wanted);
	}
	err = bpf_object__load(obj);
	if (err)
		bpf_object__close(obj);
	else
		*loaded = obj;
	return err;
}

/* Load a program and attach it to the cgroup: its map. */
static int attach(int cgroup, const char *prog_name, const char *map_name)
{
	struct bpf_object *obj;
	int prog, err;

	err = load(prog_name, map_name, &obj);
	if (err)
		error(1, -err, "load %s", prog_name);
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj,
								prog_name));
	err = bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach %s", prog_name);
	return bpf_object__find_map_fd_by_name(obj, map_name);
}

/* [begin shown] */
static int probe_read_only(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, options,
		.map_flags = BPF_F_RDONLY_PROG,
	);
	int fd;

	fd = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "probe",
			    sizeof(struct bpf_cgroup_storage_key),
			    sizeof(__u64), 0, &options);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int main(void)
{
	int web = make_cgroup(-1, "web");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	__u64 packets = 0, zero = 0, one = 1;
	struct bpf_object *unwanted;
	int counts, blocked, err;

	/* user space can no longer write, the program can */
	counts = attach(web, "count", "counts");
	send_packet(web);
	show_result("freeze counts", bpf_map_freeze(counts));
	err = bpf_map_update_elem(counts, &key, &zero, BPF_EXIST);
	show_result("user space sets counts to 0", err);
	send_packet(web);
	err = bpf_map_lookup_elem(counts, &key, &packets);
	show_number("counts", err, packets);

	/* programs cannot write, user space can */
	err = probe_read_only();
	show_result("create blocked, read-only for programs", err);
	if (err)
		return 0;
	err = load("meddle", "blocked", &unwanted);
	show_result("load a program that writes", err);
	blocked = attach(web, "guard", "blocked");
	show_verdict("packet", try_to_send(web));
	err = bpf_map_update_elem(blocked, &key, &one, BPF_EXIST);
	show_result("user space sets blocked to 1", err);
	show_verdict("next packet", try_to_send(web));
	return 0;
}
/* [end shown] */
