// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// The program runs the story that its argument names; without one it lists them.
package main

import (
	"fmt"
	"os"
	"sort"

	"example.org/cgroupstorage/internal/example"

	attach_flags_differ_by_release "example.org/cgroupstorage/attach_flags_differ_by_release"
	attach_needs_no_memlock "example.org/cgroupstorage/attach_needs_no_memlock"
	attached_twice_shares_one_storage "example.org/cgroupstorage/attached_twice_shares_one_storage"
	descriptors_suffice_without_capabilities "example.org/cgroupstorage/descriptors_suffice_without_capabilities"
	detach_needs_no_capability "example.org/cgroupstorage/detach_needs_no_capability"
	effective_query_reports_no_flags "example.org/cgroupstorage/effective_query_reports_no_flags"
	eight_byte_keys_need_5_9 "example.org/cgroupstorage/eight_byte_keys_need_5_9"
	entries_outlive_detach "example.org/cgroupstorage/entries_outlive_detach"
	freeze_needs_a_writable_descriptor "example.org/cgroupstorage/freeze_needs_a_writable_descriptor"
	fresh_map_per_generation "example.org/cgroupstorage/fresh_map_per_generation"
	from_hash_by_cgroup_id "example.org/cgroupstorage/from_hash_by_cgroup_id"
	get_the_cgroup_id "example.org/cgroupstorage/get_the_cgroup_id"
	keep_a_map_exclusive "example.org/cgroupstorage/keep_a_map_exclusive"
	keep_attach_types_apart "example.org/cgroupstorage/keep_attach_types_apart"
	key_id_is_the_inode_number "example.org/cgroupstorage/key_id_is_the_inode_number"
	know_what_is_attached "example.org/cgroupstorage/know_what_is_attached"
	link_update_beside_preorder_programs "example.org/cgroupstorage/link_update_beside_preorder_programs"
	link_update_compares_maps "example.org/cgroupstorage/link_update_compares_maps"
	one_cpu_can_be_addressed "example.org/cgroupstorage/one_cpu_can_be_addressed"
	one_object_for_all_kernels "example.org/cgroupstorage/one_object_for_all_kernels"
	read_percpu_totals "example.org/cgroupstorage/read_percpu_totals"
	reattach_keeps_data "example.org/cgroupstorage/reattach_keeps_data"
	refusals_come_in_another_order "example.org/cgroupstorage/refusals_come_in_another_order"
	removed_cgroups_wait_for_sockets "example.org/cgroupstorage/removed_cgroups_wait_for_sockets"
	replace_a_program "example.org/cgroupstorage/replace_a_program"
	replaced_program_leaves_its_data "example.org/cgroupstorage/replaced_program_leaves_its_data"
	replacing_keeps_data "example.org/cgroupstorage/replacing_keeps_data"
	second_program_may_use_the_map "example.org/cgroupstorage/second_program_may_use_the_map"
	share_configuration "example.org/cgroupstorage/share_configuration"
	subtract_a_baseline "example.org/cgroupstorage/subtract_a_baseline"
	test_run_fails_without_memory "example.org/cgroupstorage/test_run_fails_without_memory"
	to_cgrp_storage "example.org/cgroupstorage/to_cgrp_storage"
	unsupported_commands_answer_enotsupp "example.org/cgroupstorage/unsupported_commands_answer_enotsupp"
	update_concurrently "example.org/cgroupstorage/update_concurrently"
	walk_all_keys "example.org/cgroupstorage/walk_all_keys"
	walk_ends_with_the_last_key "example.org/cgroupstorage/walk_ends_with_the_last_key"
	zero_explicitly "example.org/cgroupstorage/zero_explicitly"
)

var stories = map[string]func(){
	"attach_flags_differ_by_release":           attach_flags_differ_by_release.Story,
	"attach_needs_no_memlock":                  attach_needs_no_memlock.Story,
	"attached_twice_shares_one_storage":        attached_twice_shares_one_storage.Story,
	"descriptors_suffice_without_capabilities": descriptors_suffice_without_capabilities.Story,
	"detach_needs_no_capability":               detach_needs_no_capability.Story,
	"effective_query_reports_no_flags":         effective_query_reports_no_flags.Story,
	"eight_byte_keys_need_5_9":                 eight_byte_keys_need_5_9.Story,
	"entries_outlive_detach":                   entries_outlive_detach.Story,
	"freeze_needs_a_writable_descriptor":       freeze_needs_a_writable_descriptor.Story,
	"fresh_map_per_generation":                 fresh_map_per_generation.Story,
	"from_hash_by_cgroup_id":                   from_hash_by_cgroup_id.Story,
	"get_the_cgroup_id":                        get_the_cgroup_id.Story,
	"keep_a_map_exclusive":                     keep_a_map_exclusive.Story,
	"keep_attach_types_apart":                  keep_attach_types_apart.Story,
	"key_id_is_the_inode_number":               key_id_is_the_inode_number.Story,
	"know_what_is_attached":                    know_what_is_attached.Story,
	"link_update_beside_preorder_programs":     link_update_beside_preorder_programs.Story,
	"link_update_compares_maps":                link_update_compares_maps.Story,
	"one_cpu_can_be_addressed":                 one_cpu_can_be_addressed.Story,
	"one_object_for_all_kernels":               one_object_for_all_kernels.Story,
	"read_percpu_totals":                       read_percpu_totals.Story,
	"reattach_keeps_data":                      reattach_keeps_data.Story,
	"refusals_come_in_another_order":           refusals_come_in_another_order.Story,
	"removed_cgroups_wait_for_sockets":         removed_cgroups_wait_for_sockets.Story,
	"replace_a_program":                        replace_a_program.Story,
	"replaced_program_leaves_its_data":         replaced_program_leaves_its_data.Story,
	"replacing_keeps_data":                     replacing_keeps_data.Story,
	"second_program_may_use_the_map":           second_program_may_use_the_map.Story,
	"share_configuration":                      share_configuration.Story,
	"subtract_a_baseline":                      subtract_a_baseline.Story,
	"test_run_fails_without_memory":            test_run_fails_without_memory.Story,
	"to_cgrp_storage":                          to_cgrp_storage.Story,
	"unsupported_commands_answer_enotsupp":     unsupported_commands_answer_enotsupp.Story,
	"update_concurrently":                      update_concurrently.Story,
	"walk_all_keys":                            walk_all_keys.Story,
	"walk_ends_with_the_last_key":              walk_ends_with_the_last_key.Story,
	"zero_explicitly":                          zero_explicitly.Story,
}

func main() {
	if len(os.Args) != 2 {
		var names []string
		for name := range stories {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			fmt.Println(name)
		}
		return
	}
	run, known := stories[os.Args[1]]
	if !known {
		fmt.Fprintf(os.Stderr, "there is no story %s\n", os.Args[1])
		os.Exit(2)
	}
	os.Exit(example.Run(os.Args[1], run))
}
