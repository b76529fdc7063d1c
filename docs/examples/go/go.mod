// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
module example.org/cgroupstorage

go 1.19

require (
	github.com/cilium/ebpf v0.9.1
	golang.org/x/sys v0.3.0
)
