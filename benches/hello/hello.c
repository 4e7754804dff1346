// SPDX-License-Identifier: MIT OR Apache-2.0
// The smallest program with libbpf: open, load, attach, end.
#include <bpf/libbpf.h>

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_program *program;

	if (argc != 2)
		return 2;
	object = bpf_object__open_file(argv[1], NULL);
	if (!object || bpf_object__load(object))
		return 1;
	bpf_object__for_each_program(program, object) {
		struct bpf_link *link = bpf_program__attach(program);

		if (!link)
			return 1;
		bpf_link__destroy(link);
	}
	bpf_object__close(object);
	return 0;
}
