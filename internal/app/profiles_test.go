package app

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const foreign = `# my own file
[default]
region = eu-west-1

[ profile  other ]
endpoint_url = https://elsewhere.example
s3 =
  addressing_style = path
`

func TestProfilesKeepWhatIsThere(t *testing.T) {
	t.Parallel()
	p := profiles{t.TempDir()}
	write(t, p.config(), foreign)
	a := profile{name: "m", account: "111122223333", region: "us-east-1", endpoint: "http://127.0.0.1:1", accessKeyID: "AKIA1", secretAccessKey: "s1"}
	b := profile{name: "default", account: "555555555555", region: "us-west-2", endpoint: "http://127.0.0.1:1", accessKeyID: "AKIA2", secretAccessKey: "s2"}
	steps := []struct {
		name                string
		do                  func() error
		config, credentials string
	}{
		{"put", func() error { return p.put(a) },
			foreign + "\n[profile m]\n# mimeo account 111122223333\nregion = us-east-1\nendpoint_url = http://127.0.0.1:1\n",
			"[m]\n# mimeo account 111122223333\naws_access_key_id = AKIA1\naws_secret_access_key = s1\n"},
		{"put again", func() error { return p.put(a) },
			foreign + "\n[profile m]\n# mimeo account 111122223333\nregion = us-east-1\nendpoint_url = http://127.0.0.1:1\n",
			"[m]\n# mimeo account 111122223333\naws_access_key_id = AKIA1\naws_secret_access_key = s1\n"},
		{"new endpoint", func() error { return p.setEndpoint("https://h:2") },
			foreign + "\n[profile m]\n# mimeo account 111122223333\nregion = us-east-1\nendpoint_url = https://h:2\n",
			"[m]\n# mimeo account 111122223333\naws_access_key_id = AKIA1\naws_secret_access_key = s1\n"},
		{"remove another", func() error { return p.remove(b.account) },
			foreign + "\n[profile m]\n# mimeo account 111122223333\nregion = us-east-1\nendpoint_url = https://h:2\n",
			"[m]\n# mimeo account 111122223333\naws_access_key_id = AKIA1\naws_secret_access_key = s1\n"},
		{"remove", func() error { return p.remove(a.account) }, foreign + "\n", ""},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if diff := cmp.Diff(step.config, read(t, p.config())); diff != "" {
			t.Errorf("%s: config (-want +got):\n%s", step.name, diff)
		}
		if diff := cmp.Diff(step.credentials, read(t, p.credentials())); diff != "" {
			t.Errorf("%s: credentials (-want +got):\n%s", step.name, diff)
		}
		for _, file := range []string{p.config(), p.credentials()} {
			if info, err := os.Stat(file); err != nil || step.name != "remove another" && info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %s has mode %v (%v), want 0600", step.name, file, info.Mode(), err)
			}
		}
	}
	if err := p.check("default"); err == nil {
		t.Error("check allows a profile that mimeo did not write")
	}
	if err := p.put(b); err != nil {
		t.Fatal(err)
	}
	if names, err := p.names(b.account); err != nil || !cmp.Equal(names, []string{"default"}) {
		t.Errorf("names: %q, %v", names, err)
	}
}

func TestProfileNames(t *testing.T) {
	t.Parallel()
	p := profiles{t.TempDir()}
	for _, name := range []string{"", "a b", "a]\n[default", "-x", "profile x", "ü"} {
		if err := p.check(name); err == nil {
			t.Errorf("check allows the name %q", name)
		}
	}
	if err := p.check("team.dev_1"); err != nil {
		t.Error(err)
	}
}

func TestMasterKey(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "master.key")
	made, err := loadMasterKey(file)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := loadMasterKey(file)
	if err != nil || loaded != made {
		t.Errorf("the key that was made is not the one that is loaded (%v)", err)
	}
	for name, spoil := range map[string]func() error{
		"others can read it": func() error { return os.Chmod(file, 0o640) },
		"it is cut short":    func() error { return os.WriteFile(file, []byte("abcd"), 0o600) },
		"it is no key":       func() error { return os.WriteFile(file, []byte("hello"), 0o600) },
	} {
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if _, err := loadMasterKey(file); err == nil {
			t.Errorf("the key is taken though %s", name)
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
