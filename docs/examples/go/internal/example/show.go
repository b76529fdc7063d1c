// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package example

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const enotsupp = syscall.Errno(524) // the kernel's own; libc does not know it

// ShowText prints "label: text" and waits until a serial port has sent it: a kernel that breaks
// takes with it what waits.
func ShowText(label, text string) {
	fmt.Printf("%s: %s\n", label, text)
	_ = unix.IoctlSetInt(int(os.Stdout.Fd()), unix.TCSBRK, 1)
}

// ShowResult prints what came of a call: "ok", or the name of the errno.
func ShowResult(label string, err error) {
	var errno syscall.Errno
	switch {
	case err == nil:
		ShowText(label, "ok")
	case !errors.As(err, &errno):
		Check(err, label)
	case errno == enotsupp:
		ShowText(label, "ENOTSUPP")
	default:
		ShowText(label, unix.ErrnoName(errno))
	}
}

// ShowVerdict prints what came of a packet or of connect(): EPERM is "denied".
func ShowVerdict(label string, err error) {
	if errors.Is(err, unix.EPERM) {
		ShowText(label, "denied")
		return
	}
	ShowResult(label, err)
}

// ShowNumber prints a number, or the name of the errno.
func ShowNumber(label string, err error, number uint64) {
	if err != nil {
		ShowResult(label, err)
		return
	}
	ShowText(label, fmt.Sprint(number))
}

// ShowBool prints 1 or 0.
func ShowBool(label string, is bool) {
	if is {
		ShowText(label, "1")
		return
	}
	ShowText(label, "0")
}

// ShowList prints numbers as "[1, 2]", or the name of the errno.
func ShowList(label string, err error, numbers []uint64) {
	if err != nil {
		ShowResult(label, err)
		return
	}
	texts := make([]string, len(numbers))
	for i, number := range numbers {
		texts[i] = fmt.Sprint(number)
	}
	ShowText(label, "["+strings.Join(texts, ", ")+"]")
}
