// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"os"

	"example.org/cgroupstorage/internal/example"
)

// Story asks for one key more than there are.
func Story() {
	web, db := example.NewCgroup(nil, "web"), example.NewCgroup(nil, "db")
	coll := example.Load()
	defer coll.Close()
	prog, counts := coll.Programs["count"], coll.Maps["counts"]
	example.Check(quietly(func() error { return printAll(counts) }), "no entries")
	example.Attach(prog, web)
	web.Send()
	example.Attach(prog, db)
	db.Send()
	example.Check(quietly(func() error { return printAll(counts) }), "iterate")

	var first, second, beyond, next key
	example.Check(counts.NextKey(nil, &first), "first key")
	example.Check(counts.NextKey(first, &second), "second key")
	example.ShowBool("first key is that of db", first.CgroupID == db.ID())
	example.ShowBool("second key is that of web", second.CgroupID == web.ID())

	// it may hold kernel addresses: never print it
	err := counts.NextKey(second, &beyond)
	if err != nil {
		example.ShowResult("after the last key", err)
		return
	}
	example.ShowText("after the last key", "bogus key")
	var packets uint64
	err = counts.Lookup(beyond, &packets)
	example.ShowNumber("its value", err, packets)
	example.ShowResult("the key after it", counts.NextKey(beyond, &next))
}

// quietly calls act without its output, which is no label of the story.
func quietly(act func() error) error {
	output := os.Stdout
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	example.Check(err, "open")
	defer null.Close()
	os.Stdout = null
	defer func() { os.Stdout = output }()
	return act()
}
