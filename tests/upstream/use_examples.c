// SPDX-License-Identifier: GPL-2.0-only
/*
 * Uses what docs/examples/reference shows, as a reader would, and prints what
 * comes out: the objects are in the directory that is the first argument.
 */
#include "../../docs/examples/reference/read_count.c"
#include "../../docs/examples/reference/read_per_cpu_count.c"
#include "../../docs/examples/reference/list_counts.c"
#include "../../docs/examples/reference/read_cgrp_count.c"

#include <error.h>
#include <limits.h>

#include "../../docs/examples/example.h"

static const char *objects;

static struct bpf_object *load(const char *name)
{
	struct bpf_object *obj;
	char file[PATH_MAX];
	int err;

	snprintf(file, sizeof(file), "%s/%s.bpf.o", objects, name);
	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	return obj;
}

static void attach(struct bpf_object *obj, const char *name, int cgroup,
		   enum bpf_attach_type type)
{
	int err, prog;

	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, name));
	err = bpf_prog_attach(prog, cgroup, type, BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach %s", name);
}

int main(int argc, char **argv)
{
	int web = make_cgroup(-1, "web"), fd, err;
	struct bpf_object *egress, *both, *per_cpu, *lock, *cgrp;
	struct bpf_cgroup_storage_key key = {
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	struct {
		struct bpf_spin_lock lock;
		__u64 packets;
		__u64 bytes;
	} traffic;
	char link[64], path[PATH_MAX] = "";
	long seven = 7, cgrp_count = 0;
	__u64 count = 0;

	objects = argc > 1 ? argv[1] : ".";
	snprintf(link, sizeof(link), "/proc/self/fd/%d", web);
	if (readlink(link, path, sizeof(path) - 1) < 0)
		error(1, errno, "%s", link);

	egress = load("count_egress");
	both = load("count_both_directions");
	per_cpu = load("count_per_cpu");
	lock = load("count_with_lock");
	attach(egress, "count_egress", web, BPF_CGROUP_INET_EGRESS);
	attach(both, "count_ingress", web, BPF_CGROUP_INET_INGRESS);
	attach(both, "count_egress", web, BPF_CGROUP_INET_EGRESS);
	attach(per_cpu, "count_egress", web, BPF_CGROUP_INET_EGRESS);
	attach(lock, "count_egress", web, BPF_CGROUP_INET_EGRESS);
	send_packet(web);
	send_packet(web);
	receive_packet(web);

	fd = bpf_object__find_map_fd_by_name(egress, "packets");
	err = read_count(fd, path, &count);
	show_number("egress", err, count);
	list_counts(fd);
	show_result("no such cgroup", read_count(fd, "/nowhere", &count));

	err = get_cgroup_id(path, &key.cgroup_inode_id);
	show_result("id", err);
	fd = bpf_object__find_map_fd_by_name(both, "packets");
	err = bpf_map_lookup_elem(fd, &key.cgroup_inode_id, &count);
	show_number("both directions", err, count);
	fd = bpf_object__find_map_fd_by_name(per_cpu, "packets");
	err = read_per_cpu_count(fd, &key, &count);
	show_number("all CPUs", err, count);
	fd = bpf_object__find_map_fd_by_name(lock, "traffic");
	err = bpf_map_lookup_elem_flags(fd, &key, &traffic, BPF_F_LOCK);
	show_number("packets", err, traffic.packets);
	show_text("bytes", traffic.bytes > traffic.packets ? "more" : "less");

	cgrp = load("to_cgrp_storage");
	fd = bpf_object__find_map_fd_by_name(cgrp, "cgrp_counts");
	show_result("before", read_cgrp_count(fd, path, &cgrp_count));
	err = bpf_map_update_elem(fd, &web, &seven, BPF_ANY);
	show_result("update", err);
	err = read_cgrp_count(fd, path, &cgrp_count);
	show_number("after", err, cgrp_count);
	return 0;
}
