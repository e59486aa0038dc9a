// Package dsp is the signal processing of a telephone line: G.711, tones, DTMF both ways, caller ID, concealment.
//
// Samples are linear int16 at 8 kHz; a full-scale sine is +3.14 dBm0 (ITU-T G.711). A frame is 80 samples, 10 ms, but
// every function takes slices of any length.
//
// The nouns:
//
//   - A [Plan] is a tone with its cadence, parsed once from the notation of the country table; a [ToneGen] plays it.
//   - A [DTMFDetector] hears digits, a [DTMFGen] speaks them.
//   - A [Burst] is what a caller ID service sends at once, alert and data; a [BurstPlayer] plays it.
//   - A [PLC] fills in for lost frames; a [Meter] measures; a [Gain] scales.
//
// Everything here is integer arithmetic, because the routers that run it have no floating-point unit. Floats appear
// only where tables and plans are made. Nothing allocates, locks or logs after construction, and nothing keeps time
// but by counting samples. A value belongs to one goroutine; a Plan and a Burst never change and may be shared.
//
// What the package does not do: sockets, jitter, echo cancellation, deciding which tone is due.
package dsp

import "time"

// The clock of the line.
const (
	SampleRate   = 8000
	FrameSamples = 80 // 10 ms

	samplesPerMs = SampleRate / 1000
)

// samples is the length of d at 8 kHz, never negative.
func samples(d time.Duration) int {
	return int(max(d, 0) * SampleRate / time.Second)
}

// saturate cuts v to what a sample can hold.
func saturate(v int32) int16 {
	if v != int32(int16(v)) {
		return int16(v>>31) ^ 0x7fff
	}
	return int16(v)
}

// Mix adds src to dst, sample by sample, saturating: two legs of a conference, or a tone over speech.
func Mix(dst, src []int16) {
	for i := range min(len(dst), len(src)) {
		dst[i] = saturate(int32(dst[i]) + int32(src[i]))
	}
}
