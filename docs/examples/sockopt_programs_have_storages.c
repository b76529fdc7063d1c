// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Ask whether there is a hook for socket options (5.3), and count those that
 * a cgroup sets.
 */
#include <errno.h>
#include <error.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* A hook has at most 64 programs of one cgroup. */
#define MOST_PROGRAMS 64

/* Programs run for the cgroup that the socket belongs to. */
static int set_option(int cgroup)
{
	int sock = make_socket(cgroup), priority = 0, err = 0;

	if (setsockopt(sock, SOL_SOCKET, SO_PRIORITY, &priority,
		       sizeof(priority)))
		err = -errno;
	close(sock);
	return err;
}

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_SETSOCKOPT,
	};
	__u32 ids[MOST_PROGRAMS], programs = MOST_PROGRAMS;
	struct bpf_object *obj;
	int prog, counts, err;
	__u64 options = 0;

	/* EINVAL: there is no such hook */
	err = bpf_prog_query(web, BPF_CGROUP_SETSOCKOPT, 0, NULL, ids,
			     &programs);
	show_number("programs there", err, programs);

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	show_result("load", err);
	if (err) {
		bpf_object__close(obj);
		return 0;
	}
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));
	counts = bpf_object__find_map_fd_by_name(obj, "counts");
	if (prog < 0 || counts < 0)
		error(1, ENOENT, "count or counts in %s", file);
	err = bpf_prog_attach(prog, web, BPF_CGROUP_SETSOCKOPT,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
	show_verdict("set an option", set_option(web));
	err = bpf_map_lookup_elem(counts, &key, &options);
	show_number("options set", err, options);

	bpf_object__close(obj);
	return 0;
}
