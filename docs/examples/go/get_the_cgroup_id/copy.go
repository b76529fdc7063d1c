// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package guide gets the id of a cgroup.
package guide

// [begin shown]

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// cgroupID returns the id that the keys contain, such as of
// "/sys/fs/cgroup/web".
func cgroupID(path string) (uint64, error) {
	handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, path, 0)
	if err != nil {
		return 0, fmt.Errorf("handle of %s: %w", path, err)
	}
	if handle.Size() != 8 {
		return 0, fmt.Errorf("%s is no directory of cgroup v2", path)
	}
	return binary.LittleEndian.Uint64(handle.Bytes()), nil // BigEndian on s390x
}

// [end shown]
