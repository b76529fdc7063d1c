// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the proposed selftest without the rest of test_progs.  With the argument
 * "zeroing", each storage is zeroed after a program is attached, as kernels
 * before 5.9 did: the test must fail then.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

void test_cgroup_storage_reattach(void);

static bool failed, zeroing;

/* what the file of the test calls of test_progs */
void test__fail(void)
{
	failed = true;
}

void *open_netns(const char *name)
{
	abort();	/* only the other tests of the file need it */
}

void close_netns(void *token)
{
	abort();
}

static void zero_storages(int map_fd)
{
	struct bpf_cgroup_storage_key key, *last = NULL;
	__u64 zero = 0;

	while (!bpf_map_get_next_key(map_fd, last, &key)) {
		bpf_map_update_elem(map_fd, &key, &zero, BPF_ANY);
		last = &key;
	}
}

int __real_bpf_prog_attach_opts(int prog_fd, int target, enum bpf_attach_type type,
				const struct bpf_prog_attach_opts *opts);

int __wrap_bpf_prog_attach_opts(int prog_fd, int target, enum bpf_attach_type type,
				const struct bpf_prog_attach_opts *opts)
{
	int err = __real_bpf_prog_attach_opts(prog_fd, target, type, opts);
	__u32 id = 0;

	while (zeroing && !err && !bpf_map_get_next_id(id, &id)) {
		struct bpf_map_info info = {};
		__u32 size = sizeof(info);
		int fd = bpf_map_get_fd_by_id(id);

		if (!bpf_map_get_info_by_fd(fd, &info, &size) &&
		    info.type == BPF_MAP_TYPE_CGROUP_STORAGE && info.value_size == 8)
			zero_storages(fd);
	}
	return err;
}

int main(int argc, char **argv)
{
	zeroing = argc > 1 && !strcmp(argv[1], "zeroing");
	test_cgroup_storage_reattach();
	puts(failed ? "FAIL" : "ok");
	return failed;
}
