package gateway

import (
	"tipring/fxs"
	"tipring/media/dsp"
)

// standards joins the line's word for a caller ID standard to the generator's.
var standards = map[fxs.Standard]dsp.Standard{
	fxs.Bell202: dsp.Bell202, fxs.V23: dsp.V23,
	fxs.DTMFAC: dsp.DTMFAC, fxs.DTMFAHash: dsp.DTMFAHash, fxs.DTMFDC: dsp.DTMFDC, fxs.DTMFHash: dsp.DTMFHash,
}

// callerIDBurst is the sound of what the line wants sent; nil when there is no such sound.
func callerIDBurst(b *fxs.CallerIDBurst) *dsp.Burst {
	s, ok := standards[b.Standard]
	if !ok {
		return nil
	}
	id := dsp.CallID{Number: b.Number, Name: b.Name, NumberAbsent: dsp.Absence(b.Absent), Time: b.When}
	if b.Absent == fxs.Withheld {
		id.NameAbsent = dsp.Private
	}
	var opts []dsp.BurstOption
	if b.Alert {
		opts = append(opts, dsp.WithAlert)
	}
	return dsp.CallerIDBurst(s, id, opts...)
}
