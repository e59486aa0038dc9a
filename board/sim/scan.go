package sim

import "math"

const (
	blockLen   = 40             // samples: energy is looked at in steps of 5 ms
	windowLen  = 800            // a sound is measured in windows of 100 ms
	tentative  = 320            // and before a window is full from 40 ms on
	shortest   = 192            // the rest of a sound is measured from 24 ms on
	click      = 120            // what is shorter than 15 ms is not a sound
	fading     = 80             // from one tone to the next, 10 ms
	noiseStep  = 400            // what is no tone is passed over in steps of 50 ms
	maxSounds  = 160            // remembered
	floorDBm0  = -46            // below is silence
	dropFactor = 631            // 28 dB below the loudest of late is silence, too
	keepBefore = 3 * blockLen   // samples kept before the present window
	memory     = tapeSize - 800 // how far behind the scan may fall
)

var floorEnergy = int64(blockLen * math.Pow(10, (floorDBm0-fullScale)/10) * 32767 * 32767 / 2)

// sound is a stretch of samples of one kind, without a pause.
type sound struct {
	from, to int64
	tone     bool
	fit      fit   // of a tone: as last measured, phase at fitAt
	fitAt    int64 //
	fitLen   int   // samples in the longest window that gave the level
	level    float64
	energy   int64 // of what is no tone
	cut      bool  // the beginning was not heard
}

// scan cuts samples into sounds. It is given them in order and keeps only those
// that it may need again.
//
//	      energy above the floor                two blocks far below the loudest
//	quiet ----------------------> sounding -----------------------------------> quiet
//	                              | each 100 ms: same tone goes on
//	                              |           or another begins, at the sample
//	                              |           where the old one stops fitting
//	                              |           or no tone: speech
type scan struct {
	analyst
	buf      []int16 // samples base and on
	base     int64
	start    int64 // first sample that counts
	pos      int64 // scanned up to here
	sounding bool
	low      int   // blocks in a row that are far below peak
	peak     int64 // block energy, fading
	window   int64 // where the present window begins
	sounds   []sound
}

// begin forgets all and starts at sample i.
func (s *scan) begin(i int64) {
	*s = scan{analyst: s.analyst, buf: s.buf[:0], base: i, start: i, pos: i, sounds: s.sounds[:0]}
}

// need is the number of the sample that feed wants next.
func (s *scan) need() int64 { return s.base + int64(len(s.buf)) }

func (s *scan) at(i int64) []int16 { return s.buf[i-s.base:] }

func (s *scan) part(from, to int64) []int16 { return s.buf[from-s.base : to-s.base] }

// feed takes the samples that follow.
func (s *scan) feed(x []int16) {
	s.buf = append(s.buf, x...)
	for s.pos+blockLen <= s.need() {
		s.block(s.pos)
		s.pos += blockLen
	}
	keep := s.pos - keepBefore
	if s.sounding {
		keep = min(keep, s.window)
	}
	if keep > s.base {
		n := copy(s.buf, s.at(keep))
		s.buf = s.buf[:n]
		s.base = keep
	}
}

func (s *scan) block(i int64) {
	e := sumSquares(s.part(i, i+blockLen))
	if !s.sounding {
		if e > floorEnergy {
			s.sounding, s.low, s.peak = true, 0, e
			s.window = s.onset(i)
			if len(s.sounds) > 0 {
				s.window = max(s.window, s.last().to)
			}
		}
		return
	}
	s.peak = max(s.peak-s.peak>>7, e)
	if e < max(floorEnergy, s.peak/dropFactor) {
		if s.low++; s.low == 2 {
			s.finish(s.offset(i))
			s.sounding = false
		}
		return
	}
	s.low = 0
	for s.window+windowLen <= i+blockLen {
		s.measure(s.window + windowLen)
	}
}

// onset is the first sample of the sound whose energy appeared in block i.
func (s *scan) onset(i int64) int64 {
	if i == s.start {
		return i
	}
	from, to := max(i-blockLen, s.base), min(i+2*blockLen, s.need())
	limit := max(loudest(s.part(i, to))/64, 24)
	if i-2*blockLen >= s.base {
		limit = max(limit, loudest(s.part(i-2*blockLen, i-blockLen))*3/2)
	}
	for j := from; j < to; j++ {
		if abs(s.buf[j-s.base]) >= limit {
			return j
		}
	}
	return i
}

// offset is one after the last sample of the sound when i is the second low block.
func (s *scan) offset(i int64) int64 {
	from := max(i-3*blockLen, s.base, s.window)
	limit := max(loudest(s.part(from, i-blockLen))/64, loudest(s.part(i, i+blockLen))*3/2, 24)
	for j := i - 1; j >= from; j-- {
		if abs(s.buf[j-s.base]) >= limit {
			return j + 1
		}
	}
	return i - blockLen
}

func (s *scan) last() *sound { return &s.sounds[len(s.sounds)-1] }

// going tells whether the last sound reaches the present window, so that the
// window may be more of it.
func (s *scan) going() bool {
	return len(s.sounds) > 0 && s.last().to == s.window && s.window > s.start
}

func (s *scan) add(n sound) {
	if len(s.sounds) == maxSounds {
		s.sounds = append(s.sounds[:0], s.sounds[maxSounds/4:]...)
	}
	s.sounds = append(s.sounds, n)
}

// measure decides what the window up to sample to is, and moves on.
func (s *scan) measure(to int64) {
	if s.going() && s.last().tone {
		if s.extend(s.last(), to) {
			s.window = to
			return
		}
		if end := s.change(s.last(), to); end > s.window {
			s.last().to = end
			s.window = end
			return
		}
	}
	n, ok := s.next(s.window, to)
	if !ok {
		n.to = min(n.to, n.from+noiseStep)
		n.energy = sumSquares(s.part(n.from, n.to))
	}
	s.put(n)
	s.window = n.to
}

// put adds a sound, or lengthens the last one where it only goes on.
func (s *scan) put(n sound) {
	if s.going() && !n.tone && !s.last().tone {
		s.last().to = n.to
		s.last().energy += n.energy
		return
	}
	s.add(n)
}

// judge measures the samples of a window as a sound of their own.
func (s *scan) judge(from, to int64) (sound, bool) {
	x := s.part(from, to)
	f, ok := s.identify(x)
	n := sound{from: from, to: to, tone: ok, cut: from == s.start}
	if ok {
		n.fit, n.fitAt, n.fitLen, n.level = f, from, len(x), f.level()
	} else {
		n.energy = sumSquares(x)
	}
	return n, ok
}

// next is judge for a window that may follow a tone at once: the one may fade
// while the other swells.
func (s *scan) next(from, to int64) (sound, bool) {
	n, ok := s.judge(from, to)
	if !ok && len(s.sounds) > 0 && s.last().tone && to-from >= fading+shortest {
		if m, good := s.judge(from+fading, to); good {
			m.from = from
			return m, true
		}
	}
	return n, ok
}

// extend lengthens the tone t to sample to if it goes on until there.
func (s *scan) extend(t *sound, to int64) bool {
	x := s.part(s.window, to)
	f := project(x, t.fit.hz)
	if f.explained < pure {
		return false
	}
	for i, a := range f.amp {
		if a > 1.8*t.fit.amp[i] || a < t.fit.amp[i]/1.8 {
			return false
		}
	}
	if len(x) >= t.fitLen {
		for i, d := range offsets(x, f.hz) {
			f.hz[i] += min(max(d, -0.5), 0.5)
		}
		f = project(x, f.hz)
		t.fit, t.fitAt, t.fitLen, t.level = f, s.window, len(x), f.level()
	}
	t.to = to
	return true
}

// change is the sample up to which the tone t, carried on, still fits.
func (s *scan) change(t *sound, to int64) int64 {
	var power float64
	for _, a := range t.fit.amp {
		power += a * a / 2
	}
	for i := s.window; i < to; i += blockLen {
		var wrong float64
		first := to
		for j := i; j < min(i+blockLen, to); j++ {
			d := float64(s.buf[j-s.base]) - t.fit.at(j-t.fitAt)
			wrong += d * d
			if d*d > 0.1*power && first == to {
				first = j
			}
		}
		if wrong > 0.3*power*blockLen {
			return first
		}
	}
	return to
}

// finish ends the sound at sample end.
func (s *scan) finish(end int64) {
	for s.window+windowLen <= end {
		s.measure(s.window + windowLen)
	}
	if n, ok := s.rest(end); ok {
		s.put(n)
	}
}

// rest is what the samples from the present window to end are, if they are not
// more of the last sound, which is then lengthened.
func (s *scan) rest(end int64) (sound, bool) {
	if s.going() && s.last().tone && end > s.window {
		t := s.last()
		if end-s.window < shortest || s.extend(t, end) {
			t.to = end
			return sound{}, false
		}
		t.to = s.change(t, end)
		if end-t.to < click { // it only faded out
			t.to = end
			return sound{}, false
		}
		s.window = t.to
	}
	switch length := end - s.window; {
	case s.going() && length < shortest, length < click:
		return sound{}, false
	case length < shortest:
		return sound{from: s.window, to: end, cut: s.window == s.start, energy: sumSquares(s.part(s.window, end))}, true
	}
	n, _ := s.next(s.window, end)
	return n, true
}

// present are the sounds as they look now, and the sample up to which they are
// known: what came since is too young to be told.
func (s *scan) present() (sounds []sound, known int64) {
	sounds = append(sounds, s.sounds...)
	if !s.sounding {
		return sounds, s.pos
	}
	from := s.window
	if s.going() && s.last().tone {
		t := &sounds[len(sounds)-1]
		if s.pos-from < tentative {
			return sounds, from
		}
		if s.peek(t) {
			t.to = s.pos
			return sounds, s.pos
		}
		from = s.change(t, s.pos)
		t.to = from
	}
	if s.pos-from < tentative {
		return sounds, from
	}
	n, ok := s.next(from, s.pos)
	if k := len(sounds) - 1; !ok && k >= 0 && sounds[k].to == from && !sounds[k].tone {
		sounds[k].to = s.pos
		sounds[k].energy += n.energy
	} else {
		sounds = append(sounds, n)
	}
	return sounds, s.pos
}

// peek is extend without changing anything.
func (s *scan) peek(t *sound) bool {
	u := *t
	return s.extend(&u, s.pos)
}

func loudest(x []int16) int32 {
	var p int32
	for _, v := range x {
		p = max(p, abs(v))
	}
	return p
}

func abs(v int16) int32 {
	if v < 0 {
		return -int32(v)
	}
	return int32(v)
}
