// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"errors"
	"time"

	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

const pin = "/sys/fs/bpf/example_second"

// Story loads a second program with a map: EBUSY before 5.9.
func Story() {
	web := example.NewCgroup(nil, "web")
	counts, err := createAndPin(pin)
	example.Check(err, "create")
	defer counts.Unpin()
	_, err = createAndPin(pin)
	example.Require(errors.Is(err, unix.EEXIST), "a second instance got a map")
	spare, err := example.NewMap("spare", ebpf.CGroupStorage, 16)
	example.Check(err, "create")
	defer spare.Close()
	maps := map[string]*ebpf.Map{"counts": counts, "spare": spare}

	// two maps of one type: EBUSY on every release
	_, err = load("greedy", maps)
	example.ShowResult("load with two maps", err)
	first, err := load("count", maps)
	example.Check(err, "load")
	second, err := load("count", maps)
	example.ShowResult("load a second program", err)
	example.Attach(first, web)
	if second != nil {
		example.Attach(second, web)
	}
	web.Send()
	var packets uint64
	err = counts.Lookup(web.Key(), &packets)
	example.ShowNumber("after one packet", err, packets)
	example.Detach(first, web)
	example.Check(first.Close(), "close")
	example.ShowResult("load once the first is gone", loadWhenFree(maps))
}

// loadWhenFree waits: the kernel frees programs a little later, and the map with them.
func loadWhenFree(maps map[string]*ebpf.Map) error {
	var err error
	for tries := 0; tries < 200; tries++ {
		if _, err = load("count", maps); !errors.Is(err, unix.EBUSY) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

// load loads one program of the object with these maps.
func load(name string, maps map[string]*ebpf.Map) (*ebpf.Program, error) {
	spec := example.Spec()
	for other := range spec.Programs {
		if other != name {
			delete(spec.Programs, other)
		}
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: maps})
	if err != nil {
		return nil, err
	}
	return coll.Programs[name], nil
}
