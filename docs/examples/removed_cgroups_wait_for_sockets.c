// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Remove a cgroup and its parent while a socket of the child still sends.
 * 5.3 and 5.4 before 5.4.13 free the parent's programs too early: run this in
 * a virtual machine only.
 */
#include <errno.h>
#include <error.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

static void attach(int cgroup, int prog)
{
	int err;

	err = bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
}

static void show_value(const char *label, int map, const void *key)
{
	__u64 packets = 0;
	int err;

	err = bpf_map_lookup_elem(map, key, &packets);
	show_number(label, err, packets);
}

int main(void)
{
	const char *file = object_file();
	int shop = make_cgroup(-1, "shop");
	int web = make_cgroup(shop, "web");
	struct bpf_cgroup_storage_key of_shop = {
		.cgroup_inode_id = cgroup_id(shop),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	struct bpf_cgroup_storage_key of_web = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	int prog, counts, sock, err;
	struct bpf_object *obj;

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

	attach(shop, prog);
	attach(web, prog);
	sock = make_socket(web);
	if (try_to_send_on(sock))
		error(1, EPERM, "a packet was denied");
	show_value("before rmdir", counts, &of_web);

	remove_cgroup(web);
	show_value("after rmdir", counts, &of_web);
	if (try_to_send_on(sock))
		error(1, EPERM, "a packet was denied");
	show_value("one packet later", counts, &of_web);

	remove_cgroup(shop);
	show_verdict("packet after both are gone", try_to_send_on(sock));
	show_value("entry of shop", counts, &of_shop);

	/* now both go, a little later */
	close(sock);
	wait_until_gone(counts, &of_web);
	show_value("socket closed", counts, &of_web);
	wait_until_gone(counts, &of_shop);
	show_value("entry of shop, later", counts, &of_shop);

	bpf_object__close(obj);
	return 0;
}
