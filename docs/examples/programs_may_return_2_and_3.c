// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Load programs that return 3: at egress this works since 5.3, at bind since
 * 5.12. Before, the verifier rejects them with EINVAL.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <error.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* [begin shown] */
/* Load one of the programs; the others are left out. */
static int load(const char *prog_name, struct bpf_object **loaded)
{
	const char *file = object_file();
	struct bpf_program *program;
	struct bpf_object *obj;
	bool wanted;
	int err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	bpf_object__for_each_program(program, obj) {
		wanted = !strcmp(bpf_program__name(program), prog_name);
		bpf_program__set_autoload(program, wanted);
	}
	err = bpf_object__load(obj);
	if (err)
		bpf_object__close(obj);
	else
		*loaded = obj;
	return err;
}

static int attach(struct bpf_object *obj, const char *prog_name, int cgroup,
		  enum bpf_attach_type type)
{
	int prog;

	prog = bpf_program__fd(bpf_object__find_program_by_name(obj,
								prog_name));
	return bpf_prog_attach(prog, cgroup, type, BPF_F_ALLOW_MULTI);
}
/* [end shown] */

static void show_entry(const char *label, struct bpf_object *obj,
		       const char *map_name, const void *key)
{
	int map = bpf_object__find_map_fd_by_name(obj, map_name);
	__u64 value = 0;
	int err;

	err = bpf_map_lookup_elem(map, key, &value);
	show_number(label, err, value);
}

/* Programs run for the cgroup that the socket belongs to. */
static int try_to_bind(int cgroup)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int sock = make_socket(cgroup), err = 0;

	if (bind(sock, (struct sockaddr *)&address, sizeof(address)))
		err = -errno;
	close(sock);
	return err;
}

int main(void)
{
	int web = make_cgroup(-1, "web"), err;
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
	};
	struct bpf_object *obj;

	err = load("mark", &obj);
	show_result("egress returns 3", err);
	if (!err) {
		err = attach(obj, "mark", web, BPF_CGROUP_INET_INGRESS);
		show_result("attach it to ingress", err);
		err = attach(obj, "mark", web, BPF_CGROUP_INET_EGRESS);
		if (err)
			error(1, -err, "attach mark");
		show_verdict("packet", try_to_send(web));
		key.attach_type = BPF_CGROUP_INET_EGRESS;
		show_entry("marks", obj, "marks", &key);
		bpf_object__close(obj);
	}

	err = load("allow", &obj);
	show_result("bind returns 3", err);
	if (!err) {
		err = attach(obj, "allow", web, BPF_CGROUP_INET4_BIND);
		if (err)
			error(1, -err, "attach allow");
		show_verdict("bind", try_to_bind(web));
		key.attach_type = BPF_CGROUP_INET4_BIND;
		show_entry("binds", obj, "binds", &key);
		bpf_object__close(obj);
	}
	return 0;
}
