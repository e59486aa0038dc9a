//go:build interop

package interop

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// baresip is a remote telephone that we did not write. It plays a WAV file and records what it hears.
type baresip struct {
	*process
	dir  string
	ctrl string
}

func startBaresip(t *testing.T, user, answer, source string) *baresip {
	t.Helper()
	b := &baresip{dir: t.TempDir(), ctrl: "127.0.0.1:4474"}
	rec := filepath.Join(b.dir, "rec")
	if err := os.Mkdir(rec, 0o755); err != nil {
		t.Fatal(err)
	}
	config := []string{
		"sip_listen 127.0.0.1:5474", "call_local_timeout 120", "call_max_calls 4", "audio_path /usr/share/baresip",
		"audio_player aubridge,p", "audio_source aufile," + source, "audio_alert aubridge,a",
		"ausrc_srate 8000", "auplay_srate 8000", "ausrc_channels 1", "auplay_channels 1", "audio_level no", "rtp_tos 184",
		"rtp_ports 37500-37900", "rtp_stats yes", "jitter_buffer_delay 2-10", "net_interface 127.0.0.1",
		"module_path /usr/lib/baresip/modules", "module g711.so", "module aufile.so", "module aubridge.so", "module sndfile.so", "module uuid.so",
		"module_app account.so", "module_app contact.so", "module_app debug_cmd.so", "module_app menu.so", "module_app ctrl_tcp.so",
		"ctrl_tcp_listen " + b.ctrl, "snd_path " + rec, "statmode_default off", "redial_attempts 0",
	}
	account := fmt.Sprintf(`<sip:%s@127.0.0.1;transport=udp>;auth_user=%s;auth_pass=pw%s;answermode=%s;regint=3600;audio_codecs=pcma,pcmu;dtmfmode=rtpevent;mwi=no;outbound="sip:%s;transport=udp"`,
		user, user, user, answer, sbcAddr)
	for name, text := range map[string]string{"config": strings.Join(config, "\n") + "\n", "accounts": account + "\n", "contacts": ""} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b.process = start(t, "baresip", b.dir, "stdbuf", "-oL", "baresip", "-4", "-f", b.dir, "-s")
	until(t, 10*time.Second, "baresip's control port", func() bool {
		c, err := net.Dial("tcp", b.ctrl)
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
	return b
}

// command sends one menu command over ctrl_tcp: JSON in a netstring.
func (b *baresip) command(t *testing.T, name, params string) {
	t.Helper()
	j, err := json.Marshal(map[string]string{"command": name, "params": params, "token": "t"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.DialTimeout("tcp", b.ctrl, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(3 * time.Second))
	if _, err := fmt.Fprintf(c, "%d:%s,", len(j), j); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	for {
		size, err := r.ReadString(':')
		if err != nil {
			t.Fatalf("baresip %s: no answer: %v", name, err)
		}
		n, err := strconv.Atoi(strings.TrimSuffix(size, ":"))
		if err != nil {
			t.Fatalf("baresip: netstring %q", size)
		}
		body := make([]byte, n+1)
		if _, err := io.ReadFull(r, body); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(body), `"response":true`) { // not an event
			return
		}
	}
}

// heard is the recording of what the far end (us) said, from the beginning of the call to its first re-INVITE: there
// baresip begins another file. It is whole when baresip has ended.
func (b *baresip) heard(t *testing.T) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(b.dir, "rec", "*dec.wav"))
	if err != nil || len(all) == 0 {
		t.Fatalf("baresip recorded nothing (%v)", err)
	}
	for _, f := range all {
		b.t.Log(filepath.Base(f))
	}
	return all[0]
}
