package sim

// tapeSize is 8.2 s of samples.
const tapeSize = 1 << 16

// tape remembers the last tapeSize samples by their numbers. What was never
// written is silence.
type tape struct {
	buf    []int16 // tapeSize long once anything was put
	from   int64   // oldest sample that is kept
	lifted int64   // where rewind began
	end    int64   // one after the newest
}

// rewind forgets everything; the next sample to be put is at or after i.
func (t *tape) rewind(i int64) { t.from, t.end, t.lifted = i, i, i }

// put writes frame at sample number at, which must not lie before end.
func (t *tape) put(at int64, frame []int16) {
	if t.buf == nil {
		t.buf = make([]int16, tapeSize)
	}
	t.hush(at)
	p := int(at) & (tapeSize - 1)
	n := copy(t.buf[p:], frame)
	copy(t.buf, frame[n:])
	t.end = at + int64(len(frame))
	t.from = max(t.from, t.end-tapeSize)
}

// hush fills up with silence as far as at.
func (t *tape) hush(at int64) {
	gap := at - t.end
	if gap <= 0 {
		return
	}
	for i := max(t.end, at-tapeSize); i < at; {
		p := int(i) & (tapeSize - 1)
		n := min(tapeSize-p, int(at-i))
		clear(t.buf[p : p+n])
		i += int64(n)
	}
	t.end = at
	t.from = max(t.from, at-tapeSize)
}

// cut drops what lies at i and later.
func (t *tape) cut(i int64) { t.end = max(t.from, min(t.end, i)) }

// read fills dst with the samples from number i on.
func (t *tape) read(dst []int16, i int64) {
	for k := 0; k < len(dst); {
		switch at := i + int64(k); {
		case at < t.from:
			n := min(len(dst)-k, int(t.from-at))
			clear(dst[k : k+n])
			k += n
		case at >= t.end:
			clear(dst[k:])
			return
		default:
			p := int(at) & (tapeSize - 1)
			n := min(len(dst)-k, tapeSize-p, int(t.end-at))
			copy(dst[k:k+n], t.buf[p:p+n])
			k += n
		}
	}
}
