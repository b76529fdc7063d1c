// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Load programs whose values have the largest sizes, and one byte more: a
 * page before 5.15, then 65407 bytes, and 32768 for each CPU.
 */
#include <errno.h>
#include <error.h>
#include <stdbool.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/*
 * Load the program that uses the map, and not the other one, with values of
 * @size bytes. It fails with E2BIG if the size is too large, and with EINVAL
 * if the kernel lacks the type.
 */
static int try_size(const char *map_name, const char *prog_name, __u32 size)
{
	const char *file = object_file();
	struct bpf_program *program;
	struct bpf_object *obj;
	struct bpf_map *map;
	int err = 0;
	bool wanted;

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
		if (wanted)
			err = bpf_map__set_value_size(map, size);
		if (err)
			error(1, -err, "%u bytes", size);
	}
	err = bpf_object__load(obj);
	bpf_object__close(obj);
	return err;
}

static int shared(__u32 size)
{
	return try_size("shared", "count", size);
}

static int per_cpu(__u32 size)
{
	return try_size("per_cpu", "count_here", size);
}

int main(void)
{
	show_result("shared 4096", shared(4096));
	show_result("shared 8192", shared(8192));
	show_result("shared 65407", shared(65407));
	show_result("shared 65408", shared(65408));
	show_result("per-CPU 4096", per_cpu(4096));
	show_result("per-CPU 32768", per_cpu(32768));
	show_result("per-CPU 32769", per_cpu(32769));
	return 0;
}
