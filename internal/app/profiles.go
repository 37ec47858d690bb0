package app

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// profiles keeps the AWS configuration files config and credentials in a
// directory. It touches only the profiles that it wrote, which the line
// "# mimeo account ID" marks, and keeps everything else as it is.
type profiles struct{ dir string }

// A profile is one account's access to a server.
type profile struct {
	name, account, region, endpoint string
	accessKeyID, secretAccessKey    string
}

const mark = "# mimeo account "

var profileName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}$`)

func (p profiles) config() string      { return filepath.Join(p.dir, "config") }
func (p profiles) credentials() string { return filepath.Join(p.dir, "credentials") }

// check reports why a profile of this name cannot be added.
func (p profiles) check(name string) error {
	if !profileName.MatchString(name) {
		return fmt.Errorf("%.80q is no profile name: up to 64 letters, digits and _.@+-", name)
	}
	for file, title := range map[string]string{p.config(): configTitle(name), p.credentials(): name} {
		sections, err := readSections(file)
		if err != nil {
			return err
		}
		if i := find(sections, title); i >= 0 && !sections[i].marked() {
			return fmt.Errorf("%s has a profile %q already that mimeo did not write", file, name)
		}
	}
	return nil
}

// put writes a profile to both files, credentials first.
func (p profiles) put(a profile) error {
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return fmt.Errorf("write profile %s: %w", a.name, err)
	}
	secret := section{title: a.name, lines: []string{
		mark + a.account, "aws_access_key_id = " + a.accessKeyID, "aws_secret_access_key = " + a.secretAccessKey,
	}}
	public := section{title: configTitle(a.name), lines: []string{
		mark + a.account, "region = " + a.region, "endpoint_url = " + a.endpoint,
	}}
	return errors.Join(
		rewrite(p.credentials(), func(s []section) []section { return putSection(s, secret) }),
		rewrite(p.config(), func(s []section) []section { return putSection(s, public) }),
	)
}

// names returns the names of an account's profiles.
func (p profiles) names(account string) ([]string, error) {
	sections, err := readSections(p.credentials())
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range sections {
		if s.title != "" && slices.Contains(s.lines, mark+account) {
			names = append(names, s.title)
		}
	}
	return names, nil
}

// remove removes an account's profiles.
func (p profiles) remove(account string) error {
	without := func(sections []section) []section {
		return slices.DeleteFunc(sections, func(s section) bool { return slices.Contains(s.lines, mark+account) })
	}
	return errors.Join(rewrite(p.config(), without), rewrite(p.credentials(), without))
}

// setEndpoint points all profiles of ours to a server's new address.
func (p profiles) setEndpoint(endpoint string) error {
	return rewrite(p.config(), func(sections []section) []section {
		for _, s := range sections {
			for i, line := range s.lines {
				if s.marked() && strings.HasPrefix(line, "endpoint_url") {
					s.lines[i] = "endpoint_url = " + endpoint
				}
			}
		}
		return sections
	})
}

func configTitle(name string) string {
	if name == "default" {
		return name
	}
	return "profile " + name
}

// A section is a title in brackets and the lines below it; the first section
// of a file has no title.
type section struct {
	title string
	head  string // the line with the title, as it was written
	lines []string
}

func (s section) marked() bool {
	return slices.ContainsFunc(s.lines, func(line string) bool { return strings.HasPrefix(line, mark) })
}

func (s section) endsBlank() bool {
	if len(s.lines) == 0 {
		return s.title == ""
	}
	return strings.TrimSpace(s.lines[len(s.lines)-1]) == ""
}

func find(sections []section, title string) int {
	return slices.IndexFunc(sections, func(s section) bool { return s.title == title && title != "" })
}

func putSection(sections []section, s section) []section {
	if i := find(sections, s.title); i >= 0 {
		sections[i] = s
		return sections
	}
	if last := len(sections) - 1; last >= 0 && !sections[last].endsBlank() {
		sections[last].lines = append(sections[last].lines, "")
	}
	return append(sections, s)
}

func readSections(file string) ([]section, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read profiles: %w", err)
	}
	sections := []section{{}}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if title, ok := titleOf(line); ok {
			sections = append(sections, section{title: title, head: line})
			continue
		}
		last := &sections[len(sections)-1]
		last.lines = append(last.lines, line)
	}
	return sections, nil
}

func titleOf(line string) (string, bool) {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "[") || !strings.HasSuffix(line, "]") {
		return "", false
	}
	return strings.Join(strings.Fields(line[1:len(line)-1]), " "), true
}

// rewrite changes a file as a whole; where nothing changes it is not touched.
func rewrite(file string, change func([]section) []section) error {
	before, err := readSections(file)
	if err != nil {
		return err
	}
	old := format(before)
	text := format(change(before))
	if text == old {
		return nil
	}
	if err := replaceFile(file, []byte(text)); err != nil {
		return fmt.Errorf("write profiles: %w", err)
	}
	return nil
}

func format(sections []section) string {
	var b strings.Builder
	for _, s := range sections {
		if s.title != "" {
			b.WriteString(cmp.Or(s.head, "["+s.title+"]") + "\n")
		}
		for _, line := range s.lines {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}
