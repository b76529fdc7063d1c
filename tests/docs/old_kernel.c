// SPDX-License-Identifier: GPL-2.0-only
/*
 * An old kernel, played to the examples: creating a map is refused as the
 * releases named in REFUSE did. Linked in with --wrap; tests/docs/test_examples.py
 * compares what the examples then print with the stories of those releases.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define ENOTSUPP 524

int __real_bpf_map_create(enum bpf_map_type type, const char *name, __u32 key,
			  __u32 value, __u32 entries,
			  const struct bpf_map_create_opts *opts);
int __wrap_bpf_map_create(enum bpf_map_type type, const char *name, __u32 key,
			  __u32 value, __u32 entries,
			  const struct bpf_map_create_opts *opts);
int __real_bpf_object__load(struct bpf_object *obj);
int __wrap_bpf_object__load(struct bpf_object *obj);

static int refuses(const char *what)
{
	const char *refuse = getenv("REFUSE");

	return refuse && strstr(refuse, what);
}

static int refusal(int number)
{
	errno = number;
	return -number;
}

int __wrap_bpf_map_create(enum bpf_map_type type, const char *name, __u32 key,
			  __u32 value, __u32 entries,
			  const struct bpf_map_create_opts *opts)
{
	int percpu = type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;

	if (percpu && refuses("percpu"))
		return refusal(EINVAL);
	if (percpu || type == BPF_MAP_TYPE_CGROUP_STORAGE) {
		if (key == 8 && refuses("key8"))
			return refusal(EINVAL);
		if (opts && opts->btf_value_type_id && refuses("btf"))
			return refusal(ENOTSUPP);
	}
	return __real_bpf_map_create(type, name, key, value, entries, opts);
}

/* Up to 5.8 a map serves one program: that of the first object. */
int __wrap_bpf_object__load(struct bpf_object *obj)
{
	static int loaded;

	if (refuses("second") && loaded++ == 1)
		return refusal(EBUSY);
	return __real_bpf_object__load(obj);
}
