package trust

import (
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Owner is never a number here: Windows has security identifiers, which Info judges.
func Owner(fs.FileInfo) (int, bool) { return 0, false }

// Info checks one file or directory by its access control list: it must belong to this user or the system, and nobody else may
// have a right to change or replace it. It accepts a directory in which others may make new files, as in the root of a drive: the
// files in it are checked themselves.
func Info(path string, info fs.FileInfo) error {
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return &fs.PathError{Op: "whose is", Path: path, Err: err}
	}
	owner, _, err := sd.Owner()
	if err != nil || owner == nil {
		return fmt.Errorf("%s: the system does not say whose it is", path)
	}
	if !ours(owner) {
		return &Error{Path: path, Owner: true, Why: "belongs to " + account(owner), Cure: "takeown /F \"" + path + "\""}
	}
	list, _, err := sd.DACL()
	if err != nil || list == nil { // a file without a list is everybody's
		return &Error{Path: path, Why: "may be written by everybody", Cure: "icacls \"" + path + "\" /inheritance:r /grant:r \"%USERNAME%:F\""}
	}
	changing := windows.ACCESS_MASK(windows.WRITE_DAC | windows.WRITE_OWNER | windows.DELETE | windows.GENERIC_WRITE | windows.GENERIC_ALL)
	if info.IsDir() {
		changing |= deleteChild
	} else {
		changing |= windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA
	}
	for i := range uint32(list.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(list, i, &ace); err != nil {
			return &fs.PathError{Op: "whose is", Path: path, Err: err}
		}
		if ace.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE || ace.Header.AceFlags&windows.INHERIT_ONLY_ACE != 0 {
			continue // one that forbids takes nothing away from what is asked here
		}
		who := (*windows.SID)(unsafe.Pointer(&ace.SidStart))
		if ace.Mask&changing != 0 && !ours(who) {
			return &Error{Path: path, Why: "may be written by " + account(who), Cure: "icacls \"" + path + "\" /remove:g *" + who.String()}
		}
	}
	return nil
}

// deleteChild is FILE_DELETE_CHILD of winnt.h: the right to remove the files in a directory, whatever their own lists say.
const deleteChild = 0x40

// ours says whether a security identifier is this user's or the system's.
func ours(who *windows.SID) bool {
	return slices.ContainsFunc(ourSIDs(), who.Equals)
}

// ourSIDs are those of this user, of the administrators, of the system itself and of its installer, and those that stand for the
// owner of a file.
var ourSIDs = sync.OnceValue(func() (list []*windows.SID) {
	if user, err := windows.GetCurrentProcessToken().GetTokenUser(); err == nil {
		list = append(list, user.User.Sid)
	}
	for _, text := range []string{
		"S-1-5-32-544", "S-1-5-18", // Administrators, Local System
		"S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464", // TrustedInstaller
		"S-1-3-0", "S-1-3-4", // Creator Owner, Owner Rights
	} {
		if sid, err := windows.StringToSid(text); err == nil {
			list = append(list, sid)
		}
	}
	return list
})

func account(who *windows.SID) string {
	name, domain, _, err := who.LookupAccount("")
	switch {
	case err != nil:
		return who.String()
	case domain == "":
		return name
	}
	return domain + "\\" + name
}
