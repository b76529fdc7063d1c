// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix gets the id of a cgroup.
package fix

// [begin shown]

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// cgroupID gets the id of a cgroup from its open directory.
func cgroupID(cgroup *os.File) (uint64, error) {
	fd := int(cgroup.Fd())
	handle, _, err := unix.NameToHandleAt(fd, "", unix.AT_EMPTY_PATH)
	if err != nil {
		return 0, fmt.Errorf("handle of %s: %w", cgroup.Name(), err)
	}
	if handle.Size() != 8 {
		return 0, fmt.Errorf("%s is no directory of cgroup v2", cgroup.Name())
	}
	return binary.LittleEndian.Uint64(handle.Bytes()), nil // BigEndian on s390x
}

// [end shown]
