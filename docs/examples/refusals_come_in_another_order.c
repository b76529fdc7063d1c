// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Make calls with two faults each. Which of them the errno names depends on
 * the release: test for one fault at a time.
 */
#include <errno.h>
#include <error.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* [begin shown] */
/* EINVAL for the name, or EPERM for the memory (5.3 to 5.10)? */
static int create_with_bad_name(void)
{
	int fd;

	fd = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "no-name",
			    sizeof(struct bpf_cgroup_storage_key),
			    sizeof(__u64), 0, NULL);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* EINVAL for the flags, or EPERM for the descriptor (6.19)? */
static int look_up_with_bad_flags(int writer)
{
	struct bpf_cgroup_storage_key key = {};
	__u64 packets;

	return bpf_map_lookup_elem_flags(writer, &key, &packets, BPF_NOEXIST);
}
/* [end shown] */

/* Before 5.11 maps count against the limit; existing maps remain. */
static void leave_no_memory(void)
{
	const struct rlimit none = {};

	if (setrlimit(RLIMIT_MEMLOCK, &none))
		error(1, errno, "RLIMIT_MEMLOCK");
}

int main(void)
{
	const char *file = object_file();
	struct bpf_object *obj;
	int writer, err;

	/* libbpf would lift the limit */
	err = libbpf_set_memlock_rlim(0);
	if (err)
		error(1, -err, "memlock");
	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	writer = bpf_object__find_map_fd_by_name(obj, "writer");
	if (writer < 0)
		error(1, ENOENT, "writer in %s", file);

	leave_no_memory();
	show_result("bad name, no memory", create_with_bad_name());
	show_result("bad flags, write-only", look_up_with_bad_flags(writer));

	bpf_object__close(obj);
	return 0;
}
