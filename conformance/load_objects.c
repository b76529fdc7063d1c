// SPDX-License-Identifier: GPL-2.0-only
/*
 * Load each object with libbpf, in a guest, and print a line of JSON for it:
 * 0 or the errno, and the map or program that libbpf complained of.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>

static char complaint[160];

/* Keep the name in the last warning that tells what failed. */
static int listen(enum libbpf_print_level level, const char *format,
		  va_list arguments)
{
	char text[1024];
	const char *name, *end;

	vsnprintf(text, sizeof(text), format, arguments);
	if (level != LIBBPF_WARN || strstr(text, "Retrying without BTF"))
		return 0;
	name = strstr(text, "prog '");
	if (!name)
		name = strstr(text, "map '");
	if (!name || complaint[0])
		return 0;
	end = strchr(strchr(name, '\'') + 1, '\'');
	if (end)
		snprintf(complaint, sizeof(complaint), "%.*s",
			 (int)(end + 1 - name), name);
	return 0;
}

int main(int argc, char **argv)
{
	int number, result;

	libbpf_set_print(listen);
	for (number = 1; number < argc; number++) {
		struct bpf_object *object = bpf_object__open_file(argv[number], NULL);

		complaint[0] = '\0';
		result = object ? bpf_object__load(object) : -errno;
		printf("{\"object\": \"%s\", \"errno\": %d, \"failed\": \"%s\"}\n",
		       argv[number], -result, complaint);
		fflush(stdout);
		bpf_object__close(object);
	}
	return 0;
}
