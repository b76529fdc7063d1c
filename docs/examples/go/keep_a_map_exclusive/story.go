// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package guide

import (
	"errors"

	"example.org/cgroupstorage/internal/example"
	"golang.org/x/sys/unix"
)

const pin = "/sys/fs/bpf/example_counts"

// Story is two instances, of which one gets the map.
func Story() {
	web := example.NewCgroup(nil, "web")

	// the first instance: pin, load, attach, in this order
	counts, err := createExclusive(pin)
	example.ShowResult("first instance", err)
	example.Check(err, pin)
	defer counts.Unpin()
	coll, err := loadWith(example.File(), "counts", counts)
	example.Check(err, "load")
	defer coll.Close()
	example.Attach(coll.Programs["count"], web)

	// the second one stops here and loads nothing
	_, err = createExclusive(pin)
	example.ShowResult("second instance", err)
	example.Require(errors.Is(err, unix.EEXIST), "two instances")

	web.Send()
	var packets uint64
	err = counts.Lookup(web.Key(), &packets)
	example.ShowNumber("one packet counts", err, packets)
}
