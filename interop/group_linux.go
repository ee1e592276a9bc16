package interop

import "syscall"

// ownGroup puts a child into a process group of its own. On Linux the kernel
// also kills it when the test binary dies without running its cleanups.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
