// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// Story replaces a program by one with another map, goes back, and replaces it by one with the
// same map.
func Story() {
	maps := map[string]*ebpf.Map{}
	for _, name := range []string{"old_counts", "new_counts"} {
		m, err := example.NewMap(name, ebpf.CGroupStorage, 16)
		example.Check(err, "create")
		defer m.Close()
		maps[name] = m
	}
	web := example.NewCgroup(nil, "web")
	first, err := load("first", maps)
	example.Check(err, "load the first")
	second, err := load("second", maps)
	example.Check(err, "load the second")
	show := func(name string) (packets uint64, err error) {
		err = maps[name].Lookup(web.Key(), &packets)
		return packets, err
	}
	attach(web, first)
	web.Send()
	web.Send()
	attach(web, second)
	web.Send()
	packets, err := show("old_counts")
	example.ShowNumber("old entry", err, packets)
	packets, err = show("new_counts")
	example.ShowNumber("new entry", err, packets)
	attach(web, first)
	packets, err = show("old_counts")
	example.ShowNumber("after going back", err, packets)

	// before 5.9 a map serves one program: EBUSY
	third, err := load("third", maps)
	example.ShowResult("load a successor", err)
	if err != nil {
		return
	}
	attach(web, third)
	web.Send()
	packets, err = show("old_counts")
	example.ShowNumber("after the successor", err, packets)
	tryFix(first, third, maps["old_counts"])
}

func tryFix(first, third *ebpf.Program, counts *ebpf.Map) {
	db := example.NewCgroup(nil, "db")
	example.Attach(first, db)
	db.Send()
	k := key{CgroupID: db.ID(), AttachType: ebpf.AttachCGroupInetEgress}
	example.Check(replaceAndReset(db.FD(), first, third, counts, k), "replace")
	db.Send()
	var packets uint64
	example.Check(counts.Lookup(db.Key(), &packets), "look up")
	example.Require(packets == 10, "the value was not reset")
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

// attach replaces what is attached: flags 0.
func attach(cgroup *example.Cgroup, prog *ebpf.Program) {
	err := link.RawAttachProgram(link.RawAttachProgramOptions{
		Target: cgroup.FD(), Program: prog, Attach: ebpf.AttachCGroupInetEgress,
	})
	example.Check(err, "attach")
}
