//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	sbcAddr   = "127.0.0.1:5160"
	trunkAddr = "127.0.0.9" // the network side; trusted by the registrar
)

// kamailio is the registrar and proxy.
type kamailio struct {
	*process
	dir string
}

func startKamailio(t *testing.T) *kamailio {
	t.Helper()
	dir := t.TempDir()
	for _, f := range []string{"kamailio.cfg", "users.cfg"} {
		b, err := os.ReadFile(filepath.Join("testdata", "kamailio", f))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	k := &kamailio{dir: dir}
	k.boot(t)
	return k
}

func (k *kamailio) boot(t *testing.T) {
	t.Helper()
	k.process = start(t, "kamailio", k.dir, "kamailio", "-f", filepath.Join(k.dir, "kamailio.cfg"), "-DD", "-E", "-m", "32", "-M", "4",
		"-Y", k.dir, "-P", filepath.Join(k.dir, "pid"), "-l", "udp:"+sbcAddr, "-l", "tcp:"+sbcAddr,
		"-A", fmt.Sprintf(`CTL_SOCK="unix:%s"`, filepath.Join(k.dir, "ctl")), "-A", fmt.Sprintf(`TRUNK_IP="%s"`, trunkAddr))
	until(t, 10*time.Second, "kamailio to answer", func() bool {
		_, err := k.rpc("core.version")
		return err == nil
	})
}

// rpc calls Kamailio's own management interface.
func (k *kamailio) rpc(method string, params ...any) (json.RawMessage, error) {
	call := map[string]any{"jsonrpc": "2.0", "id": 1, "method": method}
	if len(params) > 0 { // Kamailio refuses "params": null
		call["params"] = params
	}
	body, err := json.Marshal(call)
	if err != nil {
		return nil, err
	}
	resp, err := (&http.Client{Timeout: 3 * time.Second}).Post("http://"+sbcAddr+"/RPC", "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var r struct {
		Result json.RawMessage
		Error  json.RawMessage
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("%s: %w in %s", method, err, b)
	}
	if r.Error != nil {
		return nil, fmt.Errorf("%s: %s", method, r.Error)
	}
	return r.Result, nil
}

// contacts are the addresses that the registrar itself holds for a subscriber.
func (k *kamailio) contacts(t *testing.T, user string) []string {
	t.Helper()
	raw, err := k.rpc("ul.dump")
	if err != nil {
		return nil
	}
	var dump struct {
		Domains []struct {
			Domain struct {
				AoRs []struct {
					Info struct {
						AoR      string
						Contacts []struct {
							Contact struct{ Address string }
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &dump); err != nil {
		t.Fatalf("ul.dump: %v in %s", err, raw)
	}
	var all []string
	for _, d := range dump.Domains {
		for _, a := range d.Domain.AoRs {
			if a.Info.AoR == user || strings.HasPrefix(a.Info.AoR, user+"@") {
				for _, c := range a.Info.Contacts {
					all = append(all, c.Contact.Address)
				}
			}
		}
	}
	return all
}

func (k *kamailio) waitContacts(t *testing.T, user string, n int) {
	t.Helper()
	until(t, 15*time.Second, fmt.Sprintf("%d binding(s) of %s in ul.dump", n, user), func() bool { return len(k.contacts(t, user)) == n })
}
