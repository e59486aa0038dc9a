package dsp

// ToneGen plays a Plan. The zero value is silent.
//
// Cadence is exact to the sample. Edges between sound and silence are ramps of 4 ms inside the sound. Between two
// elements with equally many voices there is no edge: the phases go on and only the frequencies change.
type ToneGen struct {
	plan *Plan // nil: silent
	next *Plan // what starts when the ramp down is over
	away bool  // ramping down towards next

	at    int // element
	pos   int // samples into it
	edges edges
	env   int // step of the ramp that the last sample had
	phase [maxVoices]uint32
	mod   uint32

	gain  uint32 // of a growing tone, 24 binary places
	grown int    // samples until the gain's next step
}

type edges struct{ in, out bool }

// Start plays p from its beginning; nil stops. A tone that sounds is first ramped down, which takes 4 ms.
func (g *ToneGen) Start(p *Plan) {
	if g.plan != nil && g.env > 0 {
		g.next, g.away = p, true
		return
	}
	g.begin(p)
}

func (g *ToneGen) begin(p *Plan) {
	*g = ToneGen{plan: p}
	if p == nil {
		return
	}
	g.gain = p.rampFrom
	g.grown = FrameSamples
	g.enter(0, nil)
}

// enter begins element i; before is the one that was just played, nil at the start.
func (g *ToneGen) enter(i int, before *element) {
	e := &g.plan.elements[i]
	g.at, g.pos = i, 0
	g.edges.in = before == nil || !before.joins(e)
	after := g.following(i)
	g.edges.out = after < 0 || !e.joins(&g.plan.elements[after])
	if g.edges.in {
		g.phase, g.mod, g.env = [maxVoices]uint32{}, 0, 0
	}
}

// following is the element after i, -1 when the tone ends.
func (g *ToneGen) following(i int) int {
	if i+1 < len(g.plan.elements) {
		return i + 1
	}
	return g.plan.repeat
}

// joins tells whether next can follow without a ramp.
func (e *element) joins(next *element) bool {
	return len(e.voices) > 0 && len(e.voices) == len(next.voices) && (e.mod != 0) == (next.mod != 0)
}

// Fill writes the next samples. It returns false, and writes silence, when there is nothing to play.
func (g *ToneGen) Fill(dst []int16) bool {
	if g.plan == nil {
		clear(dst)
		return false
	}
	for len(dst) > 0 && g.plan != nil {
		n := g.run(dst)
		dst = dst[n:]
	}
	clear(dst)
	return true
}

// run writes samples up to the next change of any kind and returns their number.
func (g *ToneGen) run(dst []int16) int {
	e := &g.plan.elements[g.at]
	if g.away {
		n := min(len(dst), g.env)
		g.render(e, dst[:n])
		shape(dst[:n], g.env-1, -1)
		if g.env -= n; g.env == 0 {
			g.begin(g.next)
		}
		return n
	}

	n := len(dst)
	ramp := rampSamples
	if e.samples > 0 {
		n = min(n, e.samples-g.pos)
		for ramp > e.samples/2 {
			ramp /= 2
		}
	}
	up, down := 0, 0
	if len(e.voices) > 0 {
		switch {
		case g.edges.in && g.pos < ramp:
			up, n = rampSamples/ramp, min(n, ramp-g.pos)
		case g.edges.out && e.samples > 0 && g.pos >= e.samples-ramp:
			down = rampSamples / ramp
		case g.edges.out && e.samples > 0:
			n = min(n, e.samples-ramp-g.pos)
		}
	}
	g.render(e, dst[:n])
	switch {
	case up > 0:
		shape(dst[:n], g.pos*up, up)
		g.env = (g.pos + n) * up
	case down > 0:
		shape(dst[:n], (e.samples-g.pos)*down, -down)
		g.env = (e.samples - g.pos - n) * down
	case len(e.voices) > 0:
		g.env = rampSamples
	default:
		g.env = 0
	}
	if g.pos += n; e.samples > 0 && g.pos == e.samples {
		if i := g.following(g.at); i >= 0 {
			g.enter(i, e)
		} else {
			g.begin(nil)
		}
	} else if e.samples == 0 {
		g.pos = min(g.pos, rampSamples) // for ever is long
	}
	return n
}

// render writes the element's voices, without edges.
func (g *ToneGen) render(e *element, dst []int16) {
	switch {
	case len(e.voices) == 0:
		clear(dst)
		return
	case e.mod != 0:
		g.renderAM(e, dst)
	default:
		g.phase[0] = setSine(dst, g.phase[0], e.voices[0].step, e.voices[0].amp)
		for i, v := range e.voices[1:] {
			g.phase[i+1] = addSine(dst, g.phase[i+1], v.step, v.amp)
		}
	}
	if g.plan.rampBy != 0 {
		g.grow(dst)
	}
}

func (g *ToneGen) renderAM(e *element, dst []int16) {
	v := e.voices[0]
	phase, mod := g.phase[0], g.mod
	for i := range dst {
		carrier := sine(phase) * v.amp >> 15
		dst[i] = int16(carrier + sine(mod)*amDepth>>15*carrier>>15)
		phase += v.step
		mod += e.mod
	}
	g.phase[0], g.mod = phase, mod
}

// grow applies the gain of a growing tone. Time passes only while it sounds.
func (g *ToneGen) grow(dst []int16) {
	for i, v := range dst {
		dst[i] = int16(int32(v) * int32(g.gain>>9) >> 15)
		if g.grown--; g.grown == 0 {
			g.grown = FrameSamples
			g.gain = uint32(min(uint64(g.gain)*uint64(g.plan.rampBy)>>24, 1<<24))
		}
	}
}
