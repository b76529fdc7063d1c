// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Share one configuration between a setsockopt writer and a connect reader:
 * with an 8-byte key, or before 5.9 by copying it from map to map.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <error.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

#define SOL_EXAMPLE	0xc0de
#define CLOSED		1

/* [begin shown] */
/*
 * Since 5.9, use one map for both programs: its key is the cgroup id alone.
 * Before, use a map for each, with the key that has the attach type.
 */
static int choose_maps(struct bpf_map *wanted, struct bpf_map *config)
{
	const __u32 with_type = sizeof(struct bpf_cgroup_storage_key);
	int shared, err;

	shared = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "config",
				sizeof(__u64), sizeof(__u64), 0, NULL);
	show_result("8-byte key", shared);
	if (shared == -EINVAL) {
		err = bpf_map__set_key_size(wanted, with_type);
		if (!err)
			err = bpf_map__set_key_size(config, with_type);
		return err;
	}
	if (shared < 0)
		return shared;
	err = bpf_map__reuse_fd(wanted, shared);
	if (!err)
		err = bpf_map__reuse_fd(config, shared);
	close(shared);
	return err;
}

/* Where there are two maps, the reader sees what is copied to its own. */
static void copy_value(int wanted, int config, __u64 id, __u64 value)
{
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = id,
		.attach_type = BPF_CGROUP_INET4_CONNECT,
	};
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int err;

	err = bpf_obj_get_info_by_fd(wanted, &info, &size);
	if (!err && info.key_size == sizeof(key))
		err = bpf_map_update_elem(config, &key, &value, BPF_EXIST);
	if (err)
		error(1, -err, "copy the value");
}
/* [end shown] */

static int try_to_connect(int cgroup)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int sock = make_socket(cgroup), err = 0;

	if (connect(sock, (struct sockaddr *)&address, sizeof(address)))
		err = -errno;
	close(sock);
	return err;
}

static void attach(int cgroup, struct bpf_object *obj, const char *name,
		   enum bpf_attach_type type)
{
	int prog, err;

	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, name));
	err = bpf_prog_attach(prog, cgroup, type, BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach %s", name);
}

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	/* the 8-byte key is the first member of this one */
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_SETSOCKOPT,
	};
	struct bpf_map *wanted, *config;
	struct bpf_object *obj;
	int sock, closed = 1, err;
	__u64 value = 0;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	wanted = bpf_object__find_map_by_name(obj, "wanted");
	config = bpf_object__find_map_by_name(obj, "config");
	if (!wanted || !config)
		error(1, ENOENT, "wanted or config in %s", file);
	err = choose_maps(wanted, config);
	if (err)
		error(1, -err, "maps");

	/* setsockopt programs exist since 5.3 */
	err = bpf_object__load(obj);
	show_result("writer", err);
	if (err) {
		bpf_object__close(obj);
		return 0;
	}
	attach(web, obj, "writer", BPF_CGROUP_SETSOCKOPT);
	attach(web, obj, "reader", BPF_CGROUP_INET4_CONNECT);
	show_verdict("connect before", try_to_connect(web));

	sock = make_socket(web);
	if (setsockopt(sock, SOL_EXAMPLE, CLOSED, &closed, sizeof(closed)))
		error(1, errno, "setsockopt");
	close(sock);
	err = bpf_map_lookup_elem(bpf_map__fd(wanted), &key, &value);
	show_number("written", err, value);
	copy_value(bpf_map__fd(wanted), bpf_map__fd(config),
		   key.cgroup_inode_id, value);
	show_verdict("connect after", try_to_connect(web));

	bpf_object__close(obj);
	return 0;
}
