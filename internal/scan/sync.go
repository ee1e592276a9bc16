package scan

import (
	"errors"
	"syscall"
)

// isNotSyncable is true for files that cannot be synced because they are none
// on a disk.
func isNotSyncable(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP)
}
